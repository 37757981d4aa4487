import { rowsOf, sideBySide, within, type Check } from './check';
import type { BookedCapture, BookedRefund, ProviderBooks } from './provider-books';

/*
 * Terminology
 *   captured      taken from the customer
 *   given back    refunds that the provider is known to have made
 *   kept          captured and not given back
 */

interface OrderedRow {
  key: string;
  status: string;
  total: number;
  currency: string;
}

interface PaidRow {
  key: string;
  captured: number;
  givenBack: number;
  givenBackByAdmin: number;
  currencies: string[];
}

interface PaymentRow {
  key: string;
  status: 'pending' | 'captured' | 'declined' | 'voided';
  amount: number;
  currency: string;
  promised: number;
  givenBack: number;
}

interface RefundRow {
  key: string;
  paymentId: string;
  status: 'pending' | 'settled';
  amount: number;
  currency: string;
}

const ordersAndPayments = sideBySide<OrderedRow, PaidRow>({
  keyOf: 'order',
  left: rowsOf(
    'orders',
    `SELECT id::text AS key, status, total_amount AS total, total_currency AS currency FROM "order" ORDER BY id`,
  ),
  right: rowsOf(
    'payments',
    `SELECT order_id::text AS key,
            coalesce(sum(amount) FILTER (WHERE status = 'captured'), 0)::bigint AS captured,
            sum(given_back)::bigint AS "givenBack",
            coalesce(sum(CASE WHEN given_back > 0 THEN (
              SELECT sum(r.amount) FROM refund r WHERE r.payment_id = p.id AND r.purpose = 'refund' AND r.status = 'settled'
            ) END), 0)::bigint AS "givenBackByAdmin",
            array_agg(DISTINCT currency) AS currencies
     FROM payment p GROUP BY order_id ORDER BY order_id`,
  ),
  invariants: [
    {
      name: 'money/kept-as-agreed',
      holds:
        'Of a cancelled order nothing is kept; of a confirmed one its total, less what an admin refunded; in its currency.',
      broken(order, paid) {
        if (order?.status !== 'cancelled' && order?.status !== 'confirmed') return undefined;
        const kept = paid ? paid.captured - paid.givenBack : 0;
        const due = order.status === 'cancelled' ? 0 : order.total - (paid?.givenBackByAdmin ?? 0);
        if (kept !== due) return `${order.status}, ${kept} is kept instead of ${due}`;
        const others = paid?.currencies.filter((currency) => currency !== order.currency) ?? [];
        return others.length > 0 ? `paid in ${others.join(', ')} instead of ${order.currency}` : undefined;
      },
    },
    {
      name: 'money/of-an-order',
      holds: 'Every payment belongs to an order.',
      broken: (order, paid) =>
        paid && !order ? `has a payment (${paid.captured} captured), but there is no such order` : undefined,
    },
  ],
});

const oneCapture = within('payments', {
  name: 'money/one-capture',
  holds: 'An order is captured at most once.',
  broken: `
    SELECT 'order ' || order_id AS subject, 'captured ' || count(*) || ' times: ' || string_agg(id::text, ', ' ORDER BY id) AS what
    FROM payment WHERE status = 'captured' GROUP BY order_id HAVING count(*) > 1`,
});

const refundsWithinCapture = within('payments', {
  name: 'money/refunds-within-capture',
  holds: 'The refunds of a payment never exceed what was captured.',
  broken: `
    SELECT 'payment ' || r.payment_id AS subject,
           'refunds of ' || r.total || ' against ' || coalesce(p.amount || ' ' || p.status, 'no payment') AS what
    FROM (SELECT payment_id, sum(amount) AS total FROM refund GROUP BY payment_id) r
    LEFT JOIN payment p ON p.id = r.payment_id
    WHERE r.total > CASE WHEN p.status = 'captured' THEN p.amount ELSE 0 END`,
});

const refundsAddUp = within('payments', {
  name: 'money/refunds-add-up',
  holds: 'What a payment says was promised and given back is the sum of its refunds.',
  broken: `
    SELECT 'payment ' || p.id AS subject,
           format('promised %s and gave back %s; its refunds add up to %s and %s',
                  p.refunded, p.given_back, coalesce(r.promised, 0), coalesce(r.settled, 0)) AS what
    FROM payment p
    LEFT JOIN (
      SELECT payment_id, sum(amount) AS promised, sum(amount) FILTER (WHERE status = 'settled') AS settled
      FROM refund GROUP BY payment_id
    ) r ON r.payment_id = p.id
    WHERE p.refunded <> coalesce(r.promised, 0) OR p.given_back <> coalesce(r.settled, 0)`,
});

const cancellationsAddUp = within('payments', {
  name: 'money/cancellations-add-up',
  holds: 'A cancellation was answered with what it gave back.',
  broken: `
    SELECT 'order ' || c.order_id AS subject,
           format('its cancellation was answered with %s and gave back %s', c.refunded_amount, coalesce(r.amount, 0)) AS what
    FROM cancellation c
    LEFT JOIN payment p ON p.order_id = c.order_id
    LEFT JOIN refund r ON r.payment_id = p.id AND r.purpose = 'cancellation' AND r.status = 'settled'
    WHERE c.refunded_amount <> coalesce(r.amount, 0)`,
});

const settled = within('payments', {
  name: 'money/settled',
  holds: 'No payment, refund or cancellation waits for its outcome.',
  broken: `
    SELECT 'payment ' || id AS subject, 'pending since ' || created_at AS what FROM payment WHERE status = 'pending'
    UNION ALL
    SELECT 'refund ' || id, 'pending since ' || created_at FROM refund WHERE status = 'pending'
    UNION ALL
    SELECT 'order ' || order_id, 'its cancellation is unanswered since ' || created_at FROM cancellation WHERE answered_at IS NULL`,
});

const provider = (books: ProviderBooks | undefined): ProviderBooks => {
  if (!books) throw new Error('The books are asked for, but were left out.');
  return books;
};

const captures = sideBySide<PaymentRow, BookedCapture>(
  {
    keyOf: 'payment',
    left: rowsOf(
      'payments',
      `SELECT id::text AS key, status, amount, currency, refunded AS promised, given_back AS "givenBack"
       FROM payment ORDER BY id`,
    ),
    right: ({ books }) => provider(books).captures(),
    invariants: [
      {
        name: 'money/captures-as-booked',
        holds: "Our payments and the captures in the provider's books are the same.",
        broken(ours, theirs) {
          // What we know to be unknown is told of by money/settled.
          if (ours?.status === 'pending') return undefined;
          if (!theirs) return `${ours!.status} with us, unknown to the provider`;
          if (!ours) return `${theirs.outcome} ${theirs.amount} with the provider, unknown to us`;
          // A charge that the provider would not take as it stood was closed there, and declined here.
          const closed = ours.status === 'declined' && theirs.outcome === 'voided';
          if (ours.status !== theirs.outcome && !closed)
            return `${ours.status} with us, ${theirs.outcome} with the provider`;
          if (theirs.outcome === 'voided') return undefined;
          if (ours.amount !== theirs.amount || ours.currency !== theirs.currency) {
            return `${ours.amount} ${ours.currency} with us, ${theirs.amount} ${theirs.currency} with the provider`;
          }
          // A refund under way may be known there and not yet here.
          const known = ours.givenBack <= theirs.refunded && theirs.refunded <= ours.promised;
          return known ? undefined : `${ours.givenBack} refunded with us, ${theirs.refunded} with the provider`;
        },
      },
    ],
  },
  { ofTheBooks: true },
);

const refunds = sideBySide<RefundRow, BookedRefund>(
  {
    keyOf: 'refund',
    left: rowsOf(
      'payments',
      `SELECT r.id::text AS key, r.payment_id::text AS "paymentId", r.status, r.amount, p.currency
       FROM refund r LEFT JOIN payment p ON p.id = r.payment_id ORDER BY r.id`,
    ),
    right: ({ books }) => provider(books).refunds(),
    invariants: [
      {
        name: 'money/refunds-as-booked',
        holds: "Our refunds and those in the provider's books are the same.",
        broken(ours, theirs) {
          if (!theirs) return ours!.status === 'settled' ? 'settled with us, unknown to the provider' : undefined;
          if (!ours) return `${theirs.amount} given back by the provider, unknown to us`;
          const same =
            ours.paymentId === theirs.captureKey && ours.amount === theirs.amount && ours.currency === theirs.currency;
          if (same) return undefined;
          return (
            `${ours.amount} ${ours.currency} of payment ${ours.paymentId} with us, ` +
            `${theirs.amount} ${theirs.currency} of ${theirs.captureKey} with the provider`
          );
        },
      },
    ],
  },
  { ofTheBooks: true },
);

export const money: readonly Check[] = [
  oneCapture,
  ordersAndPayments,
  refundsWithinCapture,
  refundsAddUp,
  cancellationsAddUp,
  settled,
  captures,
  refunds,
];
