import { within, withinEvery, type Check } from './check';

const oneOrderPerKey = within('orders', {
  name: 'requests/one-order-per-key',
  holds: 'One idempotency key of a customer placed one order.',
  broken: `
    SELECT 'customer ' || customer_id AS subject,
           format('the key %L placed %s orders: %s', idempotency_key, count(*), string_agg(id::text, ', ' ORDER BY id)) AS what
    FROM "order" GROUP BY customer_id, idempotency_key HAVING count(*) > 1`,
});

const rememberedOnce = withinEvery('idempotency_key', {
  name: 'requests/remembered-once',
  holds: 'One idempotency key of a caller has one answer.',
  broken: `
    SELECT 'caller ' || caller AS subject, format('the key %L has %s answers', key, count(*)) AS what
    FROM idempotency_key GROUP BY caller, key HAVING count(*) > 1`,
});

const noneInProgress = withinEvery('idempotency_key', {
  name: 'requests/none-in-progress',
  holds: 'No idempotency key is stuck without an answer.',
  broken: `
    SELECT 'caller ' || caller AS subject, format('the key %L has no answer', key) AS what
    FROM idempotency_key WHERE answer = ''`,
});

export const requests: readonly Check[] = [oneOrderPerKey, rememberedOnce, noneInProgress];
