import { audit, invariants } from './audit';
import type { Violation } from './check';
import { soundShop, type Orders, type SoundShop } from './test/sound-shop';

/*
 * For every invariant the shop is spoilt in one place, and otherwise left as sound as can be; the audit must see that and
 * nothing else. Where one fact breaks two invariants, both are named.
 */
interface Planting {
  /** What has happened. */
  told: string;
  sees: string[];
  /** Statements on the modules' databases. */
  sql?: (orders: Orders) => string;
  /** Statements on the provider's books. */
  books?: string;
}

jest.setTimeout(60_000);

const NOBODY = '01999999-0000-7000-8000-000000000001';
const OTHER = '01999999-0000-7000-8000-000000000002';
const paymentOf = (order: string) => `(SELECT id FROM payments.payment WHERE order_id = '${order}')`;

/** A capture or refund in the books. */
const line = (kind: string, key: string, outcome: string, amount: number, of: string | null = null, refunded = 0) =>
  `INSERT INTO line (kind, key, capture_key, outcome, amount, currency, refunded, at)
   VALUES ('${kind}', '${key}', ${of ? `'${of}'` : 'NULL'}, '${outcome}', ${amount}, 'GBP', ${refunded}, '2026-01-01T00:00:00Z');`;

const payment = (id: string, order: string, status: string, amount: number, more = '') => `
  INSERT INTO payments.payment (id, order_id, customer_id, amount, currency, provider, status, ask_again_at, cause)
  VALUES ('${id}', '${order}', '${NOBODY}', ${amount}, 'GBP', 'simulated', '${status}', now(), '{}'); ${more}`;

const refund = (id: string, paymentId: string, amount: number, status = 'settled', purpose = 'refund') => `
  INSERT INTO payments.refund (id, payment_id, amount, purpose, status, ask_again_at, cause, settled_at)
  VALUES ('${id}', ${paymentId}, ${amount}, '${purpose}', '${status}', now(), '{}', ${status === 'settled' ? 'now()' : 'NULL'});`;

/** Another message of a stream, in the log and counted, as its publisher would have sent it. */
const sent = (topic: string, key: string) => `
  INSERT INTO orders.stream (topic, key, last_sequence) VALUES ('${topic}', '${key}', 1)
  ON CONFLICT (topic, key) DO UPDATE SET last_sequence = orders.stream.last_sequence + 1;
  INSERT INTO orders.outbox (position, day, topic, key, sequence, id, type, subject, time, correlation_id, data)
  SELECT nextval('orders.outbox_position'), now()::date, topic, key, last_sequence, gen_random_uuid(), 'orders.planted.v1', key, now(), 'c', '{}'
  FROM orders.stream WHERE topic = '${topic}' AND key = '${key}';`;

const transition = (order: string, from: string | null, to: string) => `
  INSERT INTO orders.order_transition (order_id, from_status, to_status, at)
  VALUES ('${order}', ${from ? `'${from}'` : 'NULL'}, '${to}', now());`;

/** Makes up for a change of the movements of an order, so that the sum of its products stays what it was. */
const madeUpFor = (order: string, kind: string, change: string) => `
  INSERT INTO inventory.stock_movement (product_id, kind, quantity, moved_at)
  SELECT product_id, 'adjusted', quantity, now() FROM inventory.stock_movement WHERE order_id = '${order}' AND kind = '${kind}';
  ${change}`;

const plantings: Planting[] = [
  {
    told: 'an order was captured twice, though the second was given back',
    sees: ['money/one-capture'],
    sql: ({ confirmed }) => `
      ALTER TABLE payments.payment DROP CONSTRAINT payment_one_per_order;
      ${payment(NOBODY, confirmed, 'captured', 5000, `UPDATE payments.payment SET refunded = 5000, given_back = 5000 WHERE id = '${NOBODY}';`)}
      ${refund(OTHER, `'${NOBODY}'`, 5000, 'settled', 'cancellation')}`,
    books: line('capture', NOBODY, 'captured', 5000, null, 5000) + line('refund', OTHER, 'refunded', 5000, NOBODY),
  },
  {
    told: 'an order was confirmed for another total than was captured',
    sees: ['money/kept-as-agreed'],
    sql: ({ confirmed }) => `UPDATE orders."order" SET total_amount = total_amount + 1 WHERE id = '${confirmed}'`,
  },
  {
    told: 'an order was captured in another currency',
    sees: ['money/kept-as-agreed'],
    sql: ({ confirmed }) => `UPDATE orders."order" SET total_currency = 'EUR' WHERE id = '${confirmed}'`,
  },
  {
    told: 'the money of a cancelled order was not given back',
    sees: ['money/kept-as-agreed'],
    sql: ({ cancelled }) => `
      DELETE FROM payments.refund WHERE payment_id = ${paymentOf(cancelled)};
      DELETE FROM payments.cancellation WHERE order_id = '${cancelled}';
      UPDATE payments.payment SET refunded = 0, given_back = 0 WHERE order_id = '${cancelled}'`,
    books: `
      UPDATE line SET refunded = 0 WHERE key IN (SELECT capture_key FROM line WHERE amount = 3750);
      DELETE FROM line WHERE kind = 'refund' AND amount = 3750`,
  },
  {
    told: 'there is a payment of no order',
    sees: ['money/of-an-order'],
    sql: () => payment(NOBODY, OTHER, 'voided', 100),
    books: line('capture', NOBODY, 'voided', 0),
  },
  {
    told: 'more was given back than was captured',
    sees: ['money/refunds-within-capture'],
    sql: ({ confirmed }) => `
      ALTER TABLE payments.payment DROP CONSTRAINT payment_check, DROP CONSTRAINT payment_check1, DROP CONSTRAINT payment_check2;
      ${refund(NOBODY, paymentOf(confirmed), 5001)}
      UPDATE payments.payment SET refunded = 5001, given_back = 5001 WHERE order_id = '${confirmed}'`,
    books: `
      ${line('refund', NOBODY, 'refunded', 5001, 'CAPTURE')}
      UPDATE line SET capture_key = (SELECT key FROM line WHERE amount = 5000) WHERE capture_key = 'CAPTURE';
      UPDATE line SET refunded = 5001 WHERE amount = 5000`,
  },
  {
    told: 'a refund was set aside that there is not',
    sees: ['money/refunds-add-up'],
    sql: ({ confirmed }) => `UPDATE payments.payment SET refunded = 1 WHERE order_id = '${confirmed}'`,
  },
  {
    told: 'a cancellation was answered with another amount than it gave back',
    sees: ['money/cancellations-add-up'],
    sql: ({ cancelled }) => `UPDATE payments.cancellation SET refunded_amount = 1 WHERE order_id = '${cancelled}'`,
  },
  {
    told: 'a payment is still pending',
    sees: ['money/settled'],
    sql: ({ declined }) => `
      UPDATE payments.payment SET status = 'pending', decline_reason = NULL, token = 'tok' WHERE order_id = '${declined}'`,
  },
  {
    told: 'a refund is still pending',
    sees: ['money/settled'],
    sql: ({ confirmed }) => `
      ${refund(NOBODY, paymentOf(confirmed), 1, 'pending')}
      UPDATE payments.payment SET refunded = 1 WHERE order_id = '${confirmed}'`,
  },
  {
    told: 'a cancellation is still unanswered',
    sees: ['money/settled'],
    sql: ({ cancelled }) => `
      UPDATE payments.cancellation SET answered_at = NULL, refunded_amount = NULL, refunded_currency = NULL
      WHERE order_id = '${cancelled}'`,
  },
  {
    told: 'the provider took money that we know nothing of',
    sees: ['money/captures-as-booked'],
    books: line('capture', NOBODY, 'captured', 5000),
  },
  {
    told: 'the provider knows nothing of money that we say it took',
    sees: ['money/captures-as-booked'],
    books: `DELETE FROM line WHERE kind = 'capture' AND amount = 5000`,
  },
  {
    told: 'the provider took another amount',
    sees: ['money/captures-as-booked'],
    books: `UPDATE line SET amount = 5001 WHERE kind = 'capture' AND amount = 5000`,
  },
  {
    told: 'the provider took what we say was declined',
    sees: ['money/captures-as-booked'],
    books: `UPDATE line SET outcome = 'captured' WHERE outcome = 'declined'`,
  },
  {
    told: 'the provider says of a capture that less was refunded',
    sees: ['money/captures-as-booked'],
    books: `UPDATE line SET refunded = refunded - 1 WHERE kind = 'capture' AND refunded = 1250`,
  },
  {
    told: 'the provider gave back what we know nothing of',
    sees: ['money/refunds-as-booked'],
    books: line('refund', NOBODY, 'refunded', 10, OTHER),
  },
  {
    told: 'the provider did not give back what we say it did',
    sees: ['money/refunds-as-booked'],
    books: `DELETE FROM line WHERE kind = 'refund' AND amount = 1250`,
  },
  {
    told: 'the provider gave back another amount',
    sees: ['money/refunds-as-booked'],
    books: `UPDATE line SET amount = 1 WHERE kind = 'refund' AND amount = 1250`,
  },

  {
    told: 'fewer pieces are on hand than none',
    sees: ['stock/within-bounds'],
    sql: () => `
      ALTER TABLE inventory.stock DROP CONSTRAINT stock_never_oversold;
      INSERT INTO inventory.stock_movement (product_id, kind, quantity, moved_at)
      SELECT product_id, 'adjusted', -1 - on_hand, now() FROM inventory.stock LIMIT 1;
      UPDATE inventory.stock SET on_hand = -1 WHERE product_id = (SELECT product_id FROM inventory.stock LIMIT 1)`,
  },
  {
    told: 'a piece is on hand that never came',
    sees: ['stock/on-hand-is-its-movements'],
    sql: () => `
      UPDATE inventory.stock SET on_hand = on_hand + 1 WHERE product_id = (SELECT product_id FROM inventory.stock LIMIT 1)`,
  },
  {
    told: 'pieces moved of which there is no stock',
    sees: ['stock/on-hand-is-its-movements'],
    sql: () => `
      INSERT INTO inventory.stock_movement (product_id, kind, quantity, moved_at) VALUES ('${NOBODY}', 'initial', 1, now())`,
  },
  {
    told: 'a piece is reserved for nobody',
    sees: ['stock/reserved-is-held'],
    sql: () => `
      UPDATE inventory.stock SET reserved = 1 WHERE product_id = (SELECT product_id FROM inventory.stock LIMIT 1)`,
  },
  {
    told: 'a product is reserved twice for one order, which is more than it ordered',
    sees: ['stock/one-live-reservation', 'stock/committed-as-ordered'],
    sql: ({ confirmed }) => `
      ALTER TABLE inventory.reservation_line DROP CONSTRAINT reservation_line_pkey;
      INSERT INTO inventory.reservation_line SELECT * FROM inventory.reservation_line WHERE order_id = '${confirmed}' LIMIT 1`,
  },
  {
    told: 'a refused reservation has a line',
    sees: ['stock/whole-reservations'],
    sql: ({ short }) => `INSERT INTO inventory.reservation_line VALUES ('${short}', '${NOBODY}', 1)`,
  },
  {
    told: 'a reservation has lost its lines',
    sees: ['stock/whole-reservations'],
    sql: ({ declined }) => `DELETE FROM inventory.reservation_line WHERE order_id = '${declined}'`,
  },
  {
    told: 'what was committed never left the house',
    sees: ['stock/sold-as-committed'],
    sql: ({ refunded }) =>
      madeUpFor(
        refunded,
        'sold',
        `DELETE FROM inventory.stock_movement WHERE order_id = '${refunded}' AND kind = 'sold'`,
      ),
  },
  {
    told: 'more of two products came back than went out',
    sees: ['stock/came-back', 'stock/came-back'],
    sql: ({ cancelled }) => `
      UPDATE inventory.stock_movement SET quantity = quantity + 5 WHERE order_id = '${cancelled}' AND kind = 'put-back';
      INSERT INTO inventory.stock_movement (product_id, kind, quantity, moved_at)
      SELECT product_id, 'adjusted', -5, now() FROM inventory.stock_movement WHERE order_id = '${cancelled}' AND kind = 'put-back'`,
  },
  {
    told: 'two products that went out for a cancelled order did not come back',
    sees: ['stock/came-back', 'stock/came-back'],
    sql: ({ cancelled }) =>
      madeUpFor(
        cancelled,
        'put-back',
        `DELETE FROM inventory.stock_movement WHERE order_id = '${cancelled}' AND kind = 'put-back'`,
      ),
  },
  {
    told: 'pieces are still held for a cancelled order',
    sees: ['stock/none-held-after-end'],
    sql: ({ declined }) => `
      UPDATE inventory.reservation SET state = 'held', released_at = NULL WHERE order_id = '${declined}';
      UPDATE inventory.stock s SET reserved = l.quantity FROM inventory.reservation_line l
      WHERE l.order_id = '${declined}' AND l.product_id = s.product_id`,
  },
  {
    told: 'other quantities were committed than ordered',
    sees: ['stock/committed-as-ordered'],
    sql: ({ confirmed }) => `
      UPDATE orders."order" SET items = jsonb_set(items, '{0,quantity}', '7') WHERE id = '${confirmed}'`,
  },
  {
    told: 'a confirmed order was never reserved',
    sees: ['stock/committed-as-ordered'],
    sql: ({ refunded }) =>
      madeUpFor(
        refunded,
        'sold',
        `DELETE FROM inventory.stock_movement WHERE order_id = '${refunded}' AND kind = 'sold';
         DELETE FROM inventory.reservation_line WHERE order_id = '${refunded}';
         DELETE FROM inventory.reservation WHERE order_id = '${refunded}'`,
      ),
  },
  {
    told: 'the goods of a cancelled order stay committed',
    sees: ['stock/given-back-when-cancelled'],
    sql: ({ cancelled }) => `
      UPDATE inventory.reservation SET state = 'committed', released_at = NULL WHERE order_id = '${cancelled}';
      ${madeUpFor(
        cancelled,
        'put-back',
        `DELETE FROM inventory.stock_movement WHERE order_id = '${cancelled}' AND kind = 'put-back'`,
      )}`,
  },
  {
    told: 'there is a reservation for no order',
    sees: ['stock/of-an-order'],
    sql: () => `
      INSERT INTO inventory.reservation (order_id, state, shortages, decided_at) VALUES ('${NOBODY}', 'refused', '[]', now())`,
  },

  {
    told: 'an order is still pending',
    sees: ['orders/ended'],
    sql: ({ confirmed }) => `
      INSERT INTO orders."order"
      SELECT '${NOBODY}', customer_id, name_when_placed, 'another key', fingerprint, 'pending', cancel_reason, cancel_note, items,
             total_amount, total_currency, placed_at, updated_at FROM orders."order" WHERE id = '${confirmed}';
      INSERT INTO orders.process (name, key, version, state, record, correlation_id, started_at)
      VALUES ('order-fulfilment', '${NOBODY}', 1, '{"phase":"capturing"}', '[]', 'c', now());
      ${transition(NOBODY, null, 'pending')}
      ${sent('orders.events', NOBODY)}`,
  },
  {
    told: 'a transition of an order is missing',
    sees: ['orders/transitions-without-gap'],
    sql: ({ cancelled }) => `
      DELETE FROM orders.order_transition WHERE order_id = '${cancelled}' AND to_status = 'cancelling'`,
  },
  {
    told: 'an order went a way that there is not',
    sees: ['orders/lawful-transitions', 'orders/lawful-transitions'],
    sql: ({ cancelled }) => `
      UPDATE orders.order_transition SET to_status = 'forgotten' WHERE order_id = '${cancelled}' AND to_status = 'cancelling';
      UPDATE orders.order_transition SET from_status = 'forgotten' WHERE order_id = '${cancelled}' AND to_status = 'cancelled'`,
  },
  {
    told: 'an order is not what its transitions made it',
    sees: ['orders/status-is-last-transition'],
    sql: ({ confirmed }) => transition(confirmed, 'confirmed', 'cancelling'),
  },
  {
    told: 'a confirmed order was cancelled though nobody asked for it',
    sees: ['orders/one-end'],
    sql: ({ cancelled }) => `
      UPDATE orders."order" SET cancel_reason = 'timed-out' WHERE id = '${cancelled}';
      UPDATE orders.process SET state = jsonb_set(state, '{reason}', '"timed-out"') WHERE key = '${cancelled}'`,
  },
  {
    told: 'the fulfilment of an order is elsewhere than the order',
    sees: ['orders/process-agrees'],
    sql: ({ confirmed }) => `
      UPDATE orders.process SET state = jsonb_set(state, '{phase}', '"capturing"') WHERE key = '${confirmed}'`,
  },
  {
    told: 'the fulfilment of an order is gone',
    sees: ['orders/process-agrees'],
    sql: ({ confirmed }) => `DELETE FROM orders.process WHERE key = '${confirmed}'`,
  },
  {
    told: 'the fulfilment of an ended order is open',
    sees: ['orders/no-open-process'],
    sql: ({ confirmed }) => `UPDATE orders.process SET ended_at = NULL WHERE key = '${confirmed}'`,
  },
  {
    told: 'something of an order was announced twice',
    sees: ['orders/announced'],
    sql: ({ confirmed }) => sent('orders.events', confirmed),
  },
  {
    told: 'a fulfilment heard a message twice',
    sees: ['orders/heard-once'],
    sql: ({ confirmed }) => `
      UPDATE orders.process SET record = record || (
        SELECT jsonb_agg(e) FROM jsonb_array_elements(record) e WHERE e ->> 'message' = 'payments.payment-captured.v1'
      ) WHERE key = '${confirmed}'`,
  },

  {
    told: 'a message is missing in the middle of a stream',
    sees: ['bus/gapless'],
    sql: ({ cancelled }) => `
      DELETE FROM orders.outbox WHERE topic = 'orders.events' AND key = '${cancelled}' AND sequence = 2`,
  },
  {
    told: 'the first message of a stream is missing',
    sees: ['bus/gapless'],
    sql: ({ cancelled }) => `
      DELETE FROM orders.outbox WHERE topic = 'orders.events' AND key = '${cancelled}' AND sequence = 1`,
  },
  {
    told: 'a number of a stream was given out twice',
    sees: ['bus/gapless'],
    sql: ({ confirmed }) => `
      UPDATE orders.outbox SET sequence = 2 WHERE topic = 'orders.events' AND key = '${confirmed}';
      INSERT INTO orders.outbox (day, topic, key, sequence, id, type, subject, time, correlation_id, data)
      SELECT day, topic, key, 1, gen_random_uuid(), type, subject, time, correlation_id, data
      FROM orders.outbox WHERE topic = 'orders.events' AND key = '${confirmed}' ORDER BY position LIMIT 1;
      UPDATE orders.outbox o SET position = 0 - o.position
      WHERE o.position = (SELECT max(position) FROM orders.outbox WHERE topic = 'orders.events' AND key = '${confirmed}')`,
  },
  {
    told: 'two messages of a stream stand in the log the wrong way round',
    sees: ['bus/gapless'],
    sql: ({ confirmed }) => `
      UPDATE orders.outbox SET sequence = 3 - sequence WHERE topic = 'orders.events' AND key = '${confirmed}'`,
  },
  {
    told: 'the last message of a stream is missing',
    sees: ['bus/counters'],
    sql: ({ cancelled }) => `
      DELETE FROM orders.outbox WHERE topic = 'orders.events' AND key = '${cancelled}' AND sequence = 3`,
  },
  {
    told: 'a stream has lost its counter',
    sees: ['bus/counters'],
    sql: () => `
      INSERT INTO orders.outbox (day, topic, key, sequence, id, type, subject, time, correlation_id, data)
      VALUES (now()::date, 'orders.events-of-old', 'k', 1, gen_random_uuid(), 't', 'k', now(), 'c', '{}')`,
  },
  {
    told: 'a message is parked',
    sees: ['bus/nothing-held'],
    sql: ({ confirmed }) => `
      INSERT INTO orders.held_message (id, source, topic, key, sequence, type, headers, data, state)
      VALUES (gen_random_uuid(), 'payments', 'payments.events', '${confirmed}', 1, 'payments.payment-captured.v1', '{}', '{}', 'parked');
      UPDATE orders.stream_memory SET held = true WHERE topic = 'payments.events' AND key = '${confirmed}'`,
  },
  {
    told: 'a stream is held though nothing of it is',
    sees: ['bus/held-streams'],
    sql: ({ confirmed }) => `
      UPDATE orders.stream_memory SET held = true WHERE topic = 'payments.events' AND key = '${confirmed}'`,
  },
  {
    told: 'a subscriber has not taken over the last message of a stream',
    sees: ['bus/nobody-behind'],
    sql: ({ cancelled }) => `
      UPDATE inventory.stream_memory SET last_sequence = last_sequence - 1 WHERE key = '${cancelled}'`,
  },
  {
    told: 'a subscriber has never heard of a stream',
    sees: ['bus/nobody-behind'],
    sql: ({ confirmed }) => `
      DELETE FROM orders.stream_memory WHERE topic = 'payments.events' AND key = '${confirmed}'`,
  },
  {
    told: 'a module was sent a command before it ever listened',
    sees: ['bus/nobody-behind'],
    sql: () => `
      INSERT INTO payments.stream VALUES ('users.commands', 'k', 1);
      INSERT INTO payments.outbox (day, topic, key, sequence, id, type, subject, time, correlation_id, data)
      VALUES (now()::date, 'users.commands', 'k', 1, gen_random_uuid(), 't', 'k', now(), 'c', '{}')`,
  },
  {
    told: 'a subscriber has taken over what was never sent',
    sees: ['bus/nothing-invented'],
    sql: () => `
      INSERT INTO orders.stream_memory (source, topic, key, last_sequence) VALUES ('payments', 'payments.events', '${NOBODY}', 1)`,
  },
  {
    told: 'a subscriber has taken over more of a stream than was sent',
    sees: ['bus/nothing-invented'],
    sql: ({ confirmed }) => `
      UPDATE orders.stream_memory SET last_sequence = 9 WHERE topic = 'payments.events' AND key = '${confirmed}'`,
  },
  {
    told: 'a subscriber reads on where the log has not come yet',
    sees: ['bus/within-the-log'],
    sql: () => `UPDATE orders.subscription SET position = 1000000 WHERE source = 'payments'`,
  },

  {
    told: 'one key placed two orders',
    sees: ['requests/one-order-per-key'],
    sql: ({ confirmed, refunded }) => `
      ALTER TABLE orders."order" DROP CONSTRAINT order_idempotency_key;
      UPDATE orders."order" SET idempotency_key = 'twice' WHERE id IN ('${confirmed}', '${refunded}')`,
  },
  {
    told: 'one key has two answers',
    sees: ['requests/remembered-once'],
    sql: () => `
      ALTER TABLE payments.idempotency_key DROP CONSTRAINT idempotency_key_pkey;
      INSERT INTO payments.idempotency_key SELECT * FROM payments.idempotency_key LIMIT 1`,
  },
  {
    told: 'a key has no answer',
    sees: ['requests/none-in-progress'],
    sql: () => `UPDATE payments.idempotency_key SET answer = ''`,
  },
];

let shop: SoundShop;
beforeAll(async () => {
  shop = await soundShop();
});
afterAll(() => shop.close());

describe('the audit', () => {
  it('finds nothing in a sound shop, and says what it looked at', async () => {
    const violations: Violation[] = [];
    const result = await audit({
      databases: shop.databases,
      providerUrl: shop.providerUrl,
      patienceMs: 0,
      onProgress: () => undefined,
      onViolation: (violation) => violations.push(violation),
    });
    expect(violations).toEqual([]);
    expect(result).toMatchObject({ invariants: invariants.length, violations: 0, unrest: [] });
    expect(result.counts).toMatchObject({ orders: 5, payments: 4, reservations: 5, bookings: 6 });
  });

  it('waits for what is on its way while somebody is at work', async () => {
    const { confirmed } = shop.orders;
    await shop.change(`UPDATE orders.process SET ended_at = NULL WHERE key = '${confirmed}';
                       UPDATE orders.subscription SET lease_until = now() + interval '1 hour'`);
    const waitedFor: string[] = [];
    const result = await audit({
      databases: shop.databases,
      providerUrl: null,
      patienceMs: 20_000,
      onProgress: (what) => {
        if (waitedFor.push(what) > 1) return;
        void shop.change(`UPDATE orders.process SET ended_at = now() WHERE key = '${confirmed}'`);
      },
      onViolation: () => undefined,
    });
    expect(waitedFor[0]).toBe('waiting for quiet: open processes (1)');
    expect(result).toMatchObject({ violations: 0, unrest: [] });
  });

  it.each(plantings.map((planting) => [planting.told, planting.sees.join(', '), planting] as const))(
    'where %s, sees %s',
    async (_told, _sees, { sees, sql, books }) => {
      const violations = await shop.violationsAfter(sql?.(shop.orders) ?? '', books);
      expect(violations.map(({ invariant }) => invariant)).toEqual(sees);
    },
  );

  const HALF = '(SELECT max(position) / 2 FROM orders.outbox)';
  const halfDropped = `
    UPDATE orders.outbox_dropped SET through = ${HALF};
    DELETE FROM orders.outbox WHERE position <= (SELECT through FROM orders.outbox_dropped);`;

  it('takes no offence at a log whose beginning was dropped', async () => {
    expect(await shop.violationsAfter(halfDropped)).toEqual([]);
  });

  it('nor at a subscriber who came after that', async () => {
    const late = `
      UPDATE inventory.subscription SET complete = false WHERE source = 'orders';
      DELETE FROM inventory.stream_memory m WHERE source = 'orders'
        AND NOT EXISTS (SELECT FROM orders.outbox o WHERE o.topic = m.topic AND o.key = m.key);`;
    expect(await shop.violationsAfter(halfDropped + late)).toEqual([]);
  });

  it('is tried for every invariant', () => {
    const tried = new Set(plantings.flatMap(({ sees }) => sees));
    expect(invariants.map(({ name }) => name).filter((name) => !tried.has(name))).toEqual([]);
  });
});
