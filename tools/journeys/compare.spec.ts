import { compare } from './compare';
import { theShopItself } from './declared-differences';
import { journalOf, type Records } from './journal';
import type { RecordedAnswer, RecordedMessage, RecordedRow } from './recorded';

const BUYS = 'a-customer-buys: tea';
const SHOP = 'a-customer-buys';
let made = 0;
const anId = () => `01980f2e-7c00-7000-8000-${String((made += 1)).padStart(12, '0')}`;

/** What an order for tea comes to, with the ids and times of one run. */
function aRun({ status = 'confirmed', total = 650, looks = 1 } = {}): Required<Mutable<Records>> {
  const [order, product, correlationId] = [anId(), anId(), anId()];
  const at = `2026-11-20T10:00:${String(made % 60).padStart(2, '0')}.000Z`;
  const answer = (about: Partial<RecordedAnswer>): RecordedAnswer => ({
    ...{ journey: BUYS, correlationId, method: 'GET', path: `/orders/${order}`, status: 200, headers: {}, body: {} },
    ...about,
  });
  const message = (sequence: number, type: string, data: object): RecordedMessage => ({
    ...{ shop: SHOP, module: 'orders', topic: 'orders.events', key: order, sequence, type, data, correlationId },
  });
  return {
    answers: [
      answer({ method: 'POST', path: '/orders', status: 201, body: { id: order, status: 'pending', placedAt: at } }),
      ...Array.from({ length: looks - 1 }, () => answer({ body: { id: order, status: 'pending' }, inVain: true })),
      answer({ body: { id: order, status } }),
    ],
    rows: [{ shop: SHOP, module: 'orders', table: 'order', row: { id: order, status, total, placed_at: at } }],
    messages: [
      message(1, 'orders.order-placed.v1', { orderId: order, productId: product, total }),
      message(2, `orders.order-${status}.v1`, { orderId: order }),
    ],
  };
}
type Mutable<Type> = { -readonly [Key in keyof Type]: Type[Key] extends readonly (infer Item)[] ? Item[] : never };

const differences = (one: Records, other: Records, told = () => true) =>
  compare(journalOf(one), journalOf(other), told).map(({ journey, part, times }) => [journey, part, ...times]);

describe('what journeys come to in two topologies', () => {
  it('is the same whatever the ids, the times, and how often somebody looked in vain', () => {
    expect(differences(aRun(), aRun({ looks: 5 }))).toEqual([]);
  });

  it('differs where a row, a message or an answer does', () => {
    expect(differences(aRun(), aRun({ total: 651 }))).toEqual([
      [BUYS, 'rows', 1, 0],
      [BUYS, 'rows', 0, 1],
      [BUYS, 'streams', 1, 0],
      [BUYS, 'streams', 0, 1],
    ]);
    expect(differences(aRun(), aRun({ status: 'cancelled' })).map(([, part]) => part)).toEqual([
      ...['answers', 'answers', 'rows', 'rows', 'streams', 'streams'],
    ]);
  });

  it('differs where a message came twice, or in another order', () => {
    const [one, twice, turned] = [aRun(), aRun(), aRun()];
    twice.messages.push({ ...twice.messages[1]!, sequence: 3 });
    turned.messages.forEach((message) => (message.sequence = 3 - message.sequence));
    expect(differences(one, twice)).toHaveLength(2);
    expect(differences(one, turned)).toHaveLength(2);
  });

  it('is the same where somebody who did not wait saw the order on its way, or at its end', () => {
    const early = aRun();
    early.answers = early.answers.map((answer) =>
      answer.method === 'GET' ? { ...answer, body: { ...(answer.body as object), status: 'pending' } } : answer,
    );
    expect(differences(aRun(), early)).toEqual([]);
    early.answers = early.answers.filter(({ method }) => method !== 'GET');
    expect(differences(aRun(), early)).toEqual([[BUYS, 'answers', 1, 0]]);
  });

  it('is the same in whatever order a process heard of different modules', () => {
    const run = (...messages: string[]) => {
      const one = aRun();
      const record = messages.map((message) => ({ message, way: 'heard' }));
      return { ...one, rows: [rowOf(one, { record })] };
    };
    const [released, cancelled] = ['inventory.stock-released.v1', 'payments.payment-cancelled.v1'];
    expect(differences(run(released, cancelled), run(cancelled, released))).toEqual([]);
    expect(differences(run(released, cancelled), run(cancelled, released, released))).toHaveLength(2);
  });

  it('differs where something happened once more, or not at all', () => {
    const [once, twice] = [aRun(), aRun()];
    const again = aRun();
    for (const part of ['answers', 'rows', 'messages'] as const) twice[part].push(...(again[part] as never[]));
    expect(differences(once, twice)).toEqual([
      // Who looked once more saw nothing else.
      [BUYS, 'answers', 1, 2],
      [BUYS, 'rows', 1, 2],
      [BUYS, 'streams', 1, 2],
    ]);
    expect(differences(once, { answers: [], rows: [], messages: [] })).toHaveLength(4);
  });

  it('differs where an id stands that is not the one that stood there', () => {
    const wrong = aRun();
    wrong.rows.push(rowOf(wrong, { customer_id: anId() }));
    const right = aRun();
    right.rows.push(rowOf(right, { customer_id: right.rows[0]!.row['id'] }));
    expect(differences(right, wrong).length).toBeGreaterThan(0);
  });

  it('is not compared in journeys that were not told in both', () => {
    expect(differences(aRun(), aRun({ total: 1 }), () => false)).toEqual([]);
  });

  it('is compared only as far as is declared', () => {
    const rows = (count: number) => {
      const run = aRun();
      return { ...run, rows: Array.from({ length: count }, () => run.rows[0]!) };
    };
    const dearer = () => {
      const run = aRun();
      return { ...run, rows: [rowOf(run, { total: 7 })] };
    };
    const declare = (compared: 'kinds' | 'nothing') => [
      { journey: 'a-customer', parts: ['rows'] as const, compared, because: '' },
    ];
    const under = (compared: 'kinds' | 'nothing', one: Records, other: Records) =>
      compare(journalOf(one), journalOf(other), () => true, declare(compared));
    expect(differences(rows(1), rows(2))).toHaveLength(1);
    expect(under('kinds', rows(1), rows(2))).toEqual([]);
    expect(under('kinds', rows(1), dearer())).not.toEqual([]);
    expect(under('nothing', rows(1), dearer())).toEqual([]);
  });

  it('is put to the journey that began it, else to the shop', () => {
    const run = aRun();
    run.messages.push({ ...run.messages[0]!, key: anId(), correlationId: anId() });
    const journal = journalOf(run);
    expect(journal.get(BUYS)?.streams).toHaveLength(1);
    expect(journal.get(theShopItself(SHOP))?.streams).toHaveLength(1);
  });
});

function rowOf({ rows }: Records, more: object): RecordedRow {
  return { ...rows[0]!, row: { ...rows[0]!.row, ...more } };
}
