import { messagingMigrations, Outbox, republish } from '@banyan/messaging';
import { openDatabase } from '@banyan/persistence';
import { v7 as uuidv7 } from 'uuid';
import { freshDatabase } from '../../../test/database/database';
import { announceProducts } from './announce-products';
import { inventoryMigrations } from './migrations';
import { ProductsRepository } from './products.repository';

it('inventory announces again all of every product, as if each had just changed', async () => {
  const fresh = await freshDatabase();
  const database = await openDatabase({
    module: 'inventory',
    url: fresh.url,
    poolSize: 2,
    transactionTimeoutMs: 30_000,
    entities: [],
    migrations: [...messagingMigrations, ...inventoryMigrations],
    migrate: true,
  });
  try {
    const products = Array.from({ length: 3 }, (_, n) => ({
      ...{ id: uuidv7(), sku: `SKU-${n}`, name: `Product ${n}`, updatedAt: new Date() },
      price: { amount: 100 + n, currency: 'GBP' },
    }));
    await database.transaction(async (tx) => {
      for (const product of products) await new ProductsRepository().add(tx, product);
    });
    const outbox = new Outbox('inventory', () => undefined);
    expect(await republish(database, outbox, announceProducts)).toMatchObject({ announced: 3 });
    const told = await database.query<{ type: string; data: string }>(
      'SELECT type, data FROM outbox ORDER BY position',
    );
    expect(told.map(({ type, data }) => ({ type, ...(JSON.parse(data) as object) }))).toEqual(
      products.map(({ id, sku, name, price }) => ({
        type: 'inventory.product-changed.v1',
        productId: id,
        sku,
        name,
        price,
      })),
    );
  } finally {
    await database.close();
    await fresh.drop();
  }
});
