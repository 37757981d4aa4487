import { messagingMigrations, Outbox, type Handling, type Received, type Subscription } from '@banyan/messaging';
import { accessMigrations, Idempotency, idempotencyMigrations, type Attempt } from '@banyan/http';
import { openDatabase, type Database } from '@banyan/persistence';
import type { Settings } from '@banyan/config';
import { v7 as uuidv7 } from 'uuid';
import { freshDatabase } from '../../../test/database/database';
import { AdjustStock, AdjustStockHandler } from './adjust-stock';
import { ChangeProduct, ChangeProductHandler } from './change-product';
import { CommitStock } from './commit-stock';
import { NothingToCommit, ProductNotFound, SkuTaken, StockWouldBeNegative } from './errors';
import { ListProduct, ListProductHandler } from './list-product';
import { inventoryMigrations } from './migrations';
import { ProductsRepository } from './products.repository';
import { ReleaseStock } from './release-stock';
import { ReserveStock } from './reserve-stock';
import { SearchProducts, SearchProductsHandler } from './search-products';
import { SeedCatalogue } from './seed-catalogue';
import type { Line } from './stock';
import { StockRepository } from './stock.repository';
import { commitStock, releaseStock, reserveStock } from './subscriptions';

jest.setTimeout(60_000);

const of = (productId: string, quantity: number): Line => ({ productId, quantity });
const wants = (orderId: string, ...lines: Line[]) => ({ orderId, lines });

let shop: Awaited<ReturnType<typeof setup>>;
beforeEach(async () => (shop = await setup()));
afterEach(() => shop.close());

describe('the last piece', () => {
  it('goes to the first of two hundred buyers in one batch', async () => {
    const kettle = await shop.list({ stock: 1 });
    const buyers = Array.from({ length: 200 }, () => uuidv7());

    await shop.reserve(buyers.map((orderId) => wants(orderId, of(kettle, 1))));

    const answers = await shop.announced('inventory.stock-reserved.v1', 'inventory.stock-rejected.v1');
    expect(answers.map(({ key }) => key)).toEqual(buyers);
    expect(answers.map(({ type }) => type.split('.')[1])).toEqual([
      'stock-reserved',
      ...Array<string>(199).fill('stock-rejected'),
    ]);
    expect(answers[1]?.data).toEqual({
      orderId: buyers[1],
      shortages: [{ productId: kettle, requested: 1, available: 0 }],
    });
    expect(await shop.levels(kettle)).toEqual({ onHand: 1, reserved: 1 });
    await shop.mustAddUp();
  });

  it('goes to one of two hundred buyers in twenty batches at once', async () => {
    // The first round opens the connections; in the others the batches really meet.
    for (let round = 0; round < 4; round += 1) {
      const kettle = await shop.list({ stock: 1 });
      const batches = Array.from({ length: 20 }, () =>
        Array.from({ length: 10 }, () => wants(uuidv7(), of(kettle, 1))),
      );

      await Promise.all(batches.map((batch) => shop.reserve(batch)));

      expect(await shop.inState('held', batches.flat())).toHaveLength(1);
      expect(await shop.inState('refused', batches.flat())).toHaveLength(199);
      expect(await shop.levels(kettle)).toEqual({ onHand: 1, reserved: 1 });
    }
    await shop.mustAddUp();
  });
});

it('lets batches, counting hands and new prices meet in any order without a deadlock', async () => {
  const products = await Promise.all(Array.from({ length: 12 }, () => shop.list({ stock: 300 })));
  const shuffled = () => [...products].sort(() => Math.random() - 0.5);

  await Promise.all(
    Array.from({ length: 24 }, async () => {
      const orders = Array.from({ length: 20 }, () =>
        wants(
          uuidv7(),
          ...shuffled()
            .slice(0, 4)
            .map((id) => of(id, 2)),
        ),
      );
      await shop.reserve(orders);
      const held = await shop.inState('held', orders);
      await Promise.all([
        shop.commit(held.slice(0, held.length / 2)),
        shop.adjust({ productId: shuffled()[0]!, delta: 3, reason: 'found behind the shelf' }),
        shop.change(shuffled()[0]!, Math.ceil(Math.random() * 1000)),
      ]);
      await shop.release(orders.filter((_, n) => n % 3 === 0));
    }),
  );

  expect(shop.batches.handled).toBe(shop.batches.sent);
  await shop.mustAddUp();
});

describe('an order', () => {
  it('is sold, comes back in part by hand, and in whole when it is released', async () => {
    const [tea, cups] = [await shop.list({ stock: 10 }), await shop.list({ stock: 4 })];
    const order = wants(uuidv7(), of(tea, 5), of(cups, 4));

    await shop.reserve([order]);
    expect(await shop.levels(tea)).toEqual({ onHand: 10, reserved: 5 });
    await shop.commit([order]);
    expect(await shop.levels(tea)).toEqual({ onHand: 5, reserved: 0 });
    const counted = await shop.adjust({
      productId: tea,
      delta: 2,
      reason: 'returned unopened',
      orderId: order.orderId,
    });
    expect(counted).toEqual({ onHand: 7, reserved: 0, available: 7 });
    await shop.release([order]);

    expect(await shop.levels(tea)).toEqual({ onHand: 10, reserved: 0 });
    expect(await shop.levels(cups)).toEqual({ onHand: 4, reserved: 0 });
    expect(await shop.announced('inventory.stock-released.v1')).toMatchObject([
      { data: { orderId: order.orderId, reason: 'customer-request' } },
    ]);
    await shop.mustAddUp();
  });

  it('is held whole or not at all', async () => {
    const [tea, cups] = [await shop.list({ stock: 10 }), await shop.list({ stock: 3 })];
    await shop.reserve([wants(uuidv7(), of(tea, 5), of(cups, 4))]);
    expect(await shop.levels(tea)).toEqual({ onHand: 10, reserved: 0 });
    expect(await shop.announced('inventory.stock-rejected.v1')).toMatchObject([
      { data: { shortages: [{ productId: cups, requested: 4, available: 3 }] } },
    ]);
  });

  it('that was released before it reserved is answered, and can reserve no more', async () => {
    const tea = await shop.list({ stock: 10 });
    const order = wants(uuidv7(), of(tea, 5));
    await shop.release([order]);
    await shop.reserve([order]);
    expect(await shop.announced('inventory.stock-released.v1', 'inventory.stock-rejected.v1')).toMatchObject([
      { type: 'inventory.stock-released.v1' },
      { type: 'inventory.stock-rejected.v1', data: { orderId: order.orderId, shortages: [] } },
    ]);
    expect(await shop.levels(tea)).toEqual({ onHand: 10, reserved: 0 });
  });

  it('is not moved by commands that are replayed, in whatever state it is', async () => {
    const tea = await shop.list({ stock: 10 });
    const [held, sold, back, freed, refused] = [1, 2, 3, 1, 99].map((quantity) => wants(uuidv7(), of(tea, quantity)));
    const play = async () => {
      await shop.reserve([held!, sold!, back!, freed!, refused!]);
      await shop.commit([sold!, back!]);
      await shop.release([back!, freed!, refused!]);
    };
    await play();
    const before = await shop.everything();
    await shop.adjust({ productId: tea, delta: 1000, reason: 'delivery' });
    await shop.adjust({ productId: tea, delta: -1000, reason: 'delivered to the wrong shop' });

    await play();

    expect(await shop.everything()).toEqual(before);
    expect(await shop.levels(tea)).toEqual({ onHand: 8, reserved: 1 });
    await shop.mustAddUp();
  });

  it('that nothing is held for cannot be committed, and takes its whole batch back', async () => {
    const tea = await shop.list({ stock: 10 });
    const order = wants(uuidv7(), of(tea, 5));
    await shop.reserve([order]);
    await expect(shop.commit([order, wants(uuidv7(), of(tea, 1))])).rejects.toThrow(NothingToCommit);
    expect(await shop.levels(tea)).toEqual({ onHand: 10, reserved: 5 });
    expect(await shop.announced('inventory.stock-committed.v1')).toEqual([]);
  });
});

it('reads as little when there have been five thousand orders', async () => {
  const [tea, cups] = [await shop.list({ stock: 10 }), await shop.list({ stock: 4 })];
  await shop.sellBefore(5_000, tea);
  const [order, other] = [wants(uuidv7(), of(tea, 5), of(cups, 4)), wants(uuidv7(), of(tea, 1))];

  const before = await shop.rowsRead();
  await shop.reserve([order, other]);
  await shop.commit([order]);
  await shop.adjust({ productId: tea, delta: 2, reason: 'returned unopened', orderId: order.orderId });
  await shop.release([order, other]);
  await shop.change(tea, 700);
  await shop.search({ text: 'some', limit: 10 });

  expect((await shop.rowsRead()) - before).toBeLessThan(200);
});

describe('the tables refuse by themselves', () => {
  it('to promise more than there is', async () => {
    const tea = await shop.list({ stock: 10 });
    await expect(shop.database.query('UPDATE stock SET reserved = 11 WHERE product_id = $1', [tea])).rejects.toThrow(
      'stock_never_oversold',
    );
    await expect(shop.database.query('UPDATE stock SET reserved = -1 WHERE product_id = $1', [tea])).rejects.toThrow(
      'stock_never_oversold',
    );
  });

  it('to sell twice what was sold to an order', async () => {
    const tea = await shop.list({ stock: 10 });
    const order = wants(uuidv7(), of(tea, 5));
    await shop.reserve([order]);
    await shop.commit([order]);
    await expect(
      shop.database.query(
        `INSERT INTO stock_movement (product_id, kind, quantity, order_id, moved_at)
         SELECT product_id, kind, quantity, order_id, moved_at FROM stock_movement WHERE kind = 'sold'`,
      ),
    ).rejects.toThrow('stock_movement_once');
  });

  it.each(['held', 'committed'])('that a released reservation becomes %s', async (state) => {
    const tea = await shop.list({ stock: 10 });
    const order = wants(uuidv7(), of(tea, 5));
    await shop.reserve([order]);
    await shop.release([order]);
    await expect(shop.database.query('UPDATE reservation SET state = $1, released_at = NULL', [state])).rejects.toThrow(
      `is released, and cannot become ${state}`,
    );
  });
});

describe('the catalogue', () => {
  it('is found by part of a name or sku, in any case and in the order of listing, a page at a time', async () => {
    const names = ['Crème brûlée dish', 'Tea caddy', 'CRÈME pot', 'Sugar bowl'];
    const ids: string[] = [];
    for (const name of names) ids.push(await shop.list({ name }));
    const sku = await shop.list({ sku: 'POT-CRÈME-2' });

    const first = await shop.search({ text: 'crème', limit: 2 });
    expect(first.map(({ id }) => id)).toEqual([ids[0], ids[2]]);
    const rest = await shop.search({ text: 'crème', limit: 2, after: first[1]?.id });
    expect(rest.map(({ id }) => id)).toEqual([sku]);
    expect(await shop.search({ limit: 10 })).toHaveLength(5);
    expect(await shop.search({ text: '%', limit: 10 })).toEqual([]);
  });

  it('knows a sku once', async () => {
    await shop.list({ sku: 'TEA-ASSAM' });
    await expect(shop.list({ sku: 'TEA-ASSAM' })).rejects.toThrow(SkuTaken);
    expect(await shop.announced('inventory.product-listed.v1')).toHaveLength(1);
  });

  it('announces what changes, and nothing that does not', async () => {
    const tea = await shop.list({ price: 650 });
    await shop.change(tea, 650);
    await shop.change(tea, 700);
    expect(await shop.announced('inventory.product-changed.v1')).toMatchObject([
      { key: tea, data: { productId: tea, price: { amount: 700, currency: 'GBP' } } },
    ]);
  });

  it('takes a retried listing or adjustment once', async () => {
    const product = { sku: 'TEA-ASSAM', name: 'Assam', price: { amount: 720, currency: 'GBP' }, stock: 5 };
    const listing = new ListProduct(product, attempt('list it'));
    const listed = await shop.listing.execute(listing);
    expect(await shop.listing.execute(listing)).toEqual(listed);

    const adjustment = new AdjustStock({ productId: listed.id, delta: -2, reason: 'broken' }, attempt('count it'));
    expect(await shop.adjusting.execute(adjustment)).toEqual({ onHand: 3, reserved: 0, available: 3 });
    expect(await shop.adjusting.execute(adjustment)).toEqual({ onHand: 3, reserved: 0, available: 3 });
    expect(await shop.levels(listed.id)).toEqual({ onHand: 3, reserved: 0 });
    await shop.mustAddUp();
  });

  it('cannot be counted below what is reserved, nor where there is no product', async () => {
    const tea = await shop.list({ stock: 10 });
    await shop.reserve([wants(uuidv7(), of(tea, 5))]);
    await expect(shop.adjust({ productId: tea, delta: -6, reason: 'flood' })).rejects.toThrow(StockWouldBeNegative);
    await expect(shop.adjust({ productId: uuidv7(), delta: 1, reason: 'found' })).rejects.toThrow(ProductNotFound);
  });

  it('is seeded once, however many start at the same time, and never where there is one', async () => {
    await Promise.all(Array.from({ length: 4 }, () => shop.seed()));
    const seeded = await shop.search({ limit: 100 });
    expect(seeded).toHaveLength(12);
    expect(await shop.announced('inventory.product-listed.v1')).toHaveLength(12);
    await shop.seed();
    expect(await shop.search({ limit: 100 })).toEqual(seeded);
    await shop.mustAddUp();
  });
});

function attempt(key?: string): Attempt {
  return { caller: '01980f2e-7c00-7000-8000-0000000000ad', key, fingerprint: 'the same request' };
}

/** Inventory's acts and reactions on a database of their own, with nothing of Nest or the bus between. */
async function setup() {
  const { url, drop } = await freshDatabase();
  const database: Database = await openDatabase({
    module: 'inventory',
    url,
    poolSize: 20,
    transactionTimeoutMs: 30_000,
    entities: [],
    migrations: [...messagingMigrations, ...idempotencyMigrations, ...accessMigrations, ...inventoryMigrations],
    migrate: true,
  });
  await database.query('CREATE TABLE outbox_of_this_test PARTITION OF outbox DEFAULT');

  const outbox = new Outbox('inventory', () => undefined);
  const idempotency = new Idempotency(database);
  const products = new ProductsRepository();
  const stock = new StockRepository();
  const listing = new ListProductHandler(idempotency, products, stock, outbox);
  const adjusting = new AdjustStockHandler(idempotency, stock);
  const changing = new ChangeProductHandler(database, products, outbox);
  const reserving = new ReserveStock(stock, outbox);
  const committing = new CommitStock(stock, outbox);
  const releasing = new ReleaseStock(stock, outbox);

  // The database does again what lost a deadlock, so one shows only in how often a batch was handled.
  const batches = { sent: 0, handled: 0 };
  const batch = (handle: (handling: Handling) => Promise<void>): Promise<void> => {
    batches.sent += 1;
    return database.transaction((tx) => {
      batches.handled += 1;
      return handle({ tx });
    });
  };

  return {
    database,
    listing,
    adjusting,
    batches,
    async close() {
      await database.dataSource.destroy();
      await drop();
    },

    async list({ sku = `SKU-${uuidv7()}`, name = 'Something', price = 100, stock: pieces = 1 } = {}): Promise<string> {
      const product = { sku, name, price: { amount: price, currency: 'GBP' }, stock: pieces };
      return (await listing.execute(new ListProduct(product, attempt()))).id;
    },
    adjust: (adjustment: AdjustStock['adjustment']) => adjusting.execute(new AdjustStock(adjustment, attempt())),
    change: (id: string, amount: number) =>
      changing.execute(new ChangeProduct(id, { price: { amount, currency: 'GBP' } })),
    search: (search: SearchProducts['search']) =>
      new SearchProductsHandler(database, products).execute(new SearchProducts(search)),
    seed: () => new SeedCatalogue({ seedCatalogue: true } as Settings, database, listing).onApplicationBootstrap(),

    /** Each of these hands a batch to its handler in one transaction, as the bus does. */
    reserve: (orders: ReturnType<typeof wants>[]) =>
      batch((handling) =>
        reserving.handle(
          orders.map((data) => received(reserveStock, data)),
          handling,
        ),
      ),
    commit: (orders: { orderId: string }[]) =>
      batch((handling) =>
        committing.handle(
          orders.map(({ orderId }) => received(commitStock, { orderId })),
          handling,
        ),
      ),
    release: (orders: { orderId: string }[]) =>
      batch((handling) =>
        releasing.handle(
          orders.map(({ orderId }) => received(releaseStock, { orderId, reason: 'customer-request' })),
          handling,
        ),
      ),

    async announced(...types: string[]) {
      const rows = await database.query<{ type: string; key: string; data: string }>(
        'SELECT type, key, data FROM outbox WHERE type = ANY ($1) ORDER BY position',
        [types],
      );
      return rows.map((row) => ({ ...row, data: JSON.parse(row.data) as unknown }));
    },
    async levels(productId: string) {
      const [levels] = await database.query('SELECT on_hand AS "onHand", reserved FROM stock WHERE product_id = $1', [
        productId,
      ]);
      return levels;
    },
    async inState<Order extends { orderId: string }>(state: string, orders: Order[]): Promise<Order[]> {
      const rows = await database.query<{ id: string }>(
        'SELECT order_id AS id FROM reservation WHERE state = $1 AND order_id = ANY ($2::uuid[])',
        [state, orders.map(({ orderId }) => orderId)],
      );
      const ids = new Set(rows.map(({ id }) => id));
      return orders.filter(({ orderId }) => ids.has(orderId));
    },
    /** Orders of one piece each that came and went before the test: half of them sold, half of them sold and put back. */
    async sellBefore(orders: number, productId: string) {
      await database.query(
        `WITH ordered AS (
           INSERT INTO reservation (order_id, reservation_id, state, decided_at, committed_at, released_at)
           SELECT gen_random_uuid(), gen_random_uuid(), CASE n % 2 WHEN 0 THEN 'committed' ELSE 'released' END,
                  now(), now(), CASE n % 2 WHEN 0 THEN NULL ELSE now() END
             FROM generate_series(1, $1::int) n
           RETURNING order_id, state
         ), lines AS (
           INSERT INTO reservation_line (order_id, product_id, quantity) SELECT order_id, $2, 1 FROM ordered
         ), moved AS (
           INSERT INTO stock_movement (product_id, kind, quantity, order_id, moved_at)
           SELECT $2, kind, quantity, order_id, now()
             FROM ordered, (VALUES ('sold', -1), ('put-back', 1), ('restocked', 1)) movement (kind, quantity)
            WHERE kind <> 'put-back' OR state = 'released'
         )
         SELECT`,
        [orders, productId],
      );
      await database.query('ANALYZE reservation, reservation_line, stock_movement');
    },
    /** How many rows and index entries the module has read so far. */
    async rowsRead(): Promise<number> {
      // What was done one after another was done on one connection, which tells of it at once when it is asked to.
      await database.query('SELECT pg_stat_force_next_flush()');
      const [read] = await database.query<{ rows: number }>(
        `SELECT (SELECT sum(seq_tup_read) FROM pg_stat_user_tables WHERE relname = ANY ($1))::bigint
              + (SELECT sum(idx_tup_read) FROM pg_stat_user_indexes WHERE relname = ANY ($1))::bigint AS rows`,
        [['product', 'stock', 'stock_movement', 'reservation', 'reservation_line']],
      );
      return read?.rows ?? NaN;
    },
    /** What there is, but for what was counted by hand. */
    async everything() {
      return {
        stock: await database.query('SELECT * FROM stock ORDER BY product_id'),
        reservations: await database.query('SELECT * FROM reservation ORDER BY order_id'),
        lines: await database.query('SELECT * FROM reservation_line ORDER BY order_id, product_id'),
        movements: await database.query(`SELECT * FROM stock_movement WHERE kind <> 'adjusted' ORDER BY id`),
      };
    },
    async mustAddUp() {
      const wrong = await database.query(
        `SELECT s.*, ledger.total, held.total AS held
           FROM stock s
           LEFT JOIN (SELECT product_id, sum(quantity) AS total FROM stock_movement GROUP BY product_id) ledger USING (product_id)
           LEFT JOIN (SELECT product_id, sum(quantity) AS total
                        FROM reservation JOIN reservation_line USING (order_id)
                       WHERE state = 'held' GROUP BY product_id) held USING (product_id)
          WHERE s.on_hand <> coalesce(ledger.total, 0) OR s.reserved <> coalesce(held.total, 0)
             OR s.reserved < 0 OR s.reserved > s.on_hand`,
      );
      expect(wrong).toEqual([]);
    },
  };
}

function received<Data>(subscription: Subscription<Data>, data: Data): Received<Subscription<Data>> {
  const id = uuidv7();
  return {
    id,
    source: 'orders',
    type: subscription.type,
    topic: subscription.topic,
    key: id,
    subject: id,
    sequence: 1,
    time: new Date(),
    correlationId: id,
    causationId: undefined,
    traceparent: undefined,
    tracestate: undefined,
    data,
  };
}
