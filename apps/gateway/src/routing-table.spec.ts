import { parseTopology } from '@banyan/topology';
import { instanceFor, routeFor, routingTable } from './routing-table';

const topology = parseTopology(
  `
description: Payments moves.
transport: mixed
apps:
  monolith:
    modules: [orders, payments]
    instances: [{ address: 'a:1' }, { address: 'a:2', weight: 0 }]
  payments:
    modules: [payments]
    instances: [{ address: 'b:1' }, { address: 'b:2' }]
routes:
  payments: { upstreams: { monolith: 50, payments: 50 }, timeoutMs: 700 }
`,
  'here',
);
const prefixes = new Map([
  ['orders', ['/api/v1/orders', '/api/v1/ops/orders']],
  ['payments', ['/api/v1/payments']],
]);
const states = new Map<string, { state: string }>();
const stateOf = (address: string) => states.get(address) ?? states.set(address, { state: 'ready' }).get(address)!;
const table = routingTable(topology, prefixes, (app) =>
  topology.apps[app]!.instances.map(({ address, weight }) => ({ address, weight, instance: stateOf(address) })),
);
const payments = routeFor(table, '/api/v1/payments')!;
const nameOf = (instance: { state: string } | undefined) => [...states].find(([, known]) => known === instance)?.[0];
const many = Array.from({ length: 400 }, (_, number) => `user-${number}`);
const chosen = () => [...new Set(many.map((user) => nameOf(instanceFor(payments, user, []))))].sort();

afterEach(() => states.forEach((one) => (one.state = 'ready')));

describe('a routing table', () => {
  it.each([
    ['/api/v1/orders', 'orders'],
    ['/api/v1/orders/7/history', 'orders'],
    ['/api/v1/ops/orders/parked-messages', 'orders'],
    ['/api/v1/payments/', 'payments'],
    ['/api/v1/ordersome', undefined],
    ['/api/v1', undefined],
    ['/api/v1/ops/payments', undefined],
    ['/internal/modules', undefined],
    ['//api/v1/orders', undefined],
    ['/API/V1/orders', undefined],
  ])('leads %s to %s', (path, module) => {
    expect(routeFor(table, path)?.module).toBe(module);
  });

  it('takes the settings of each route', () => {
    expect(payments).toMatchObject({ timeoutMs: 700, bodyLimitBytes: 1_048_576, hasChoice: true });
    expect(routeFor(table, '/api/v1/orders')).toMatchObject({ timeoutMs: 30_000, hasChoice: false });
  });

  it('knows of which modules it does not know the paths', () => {
    expect(routingTable(topology, new Map(), () => []).unknown).toEqual(['orders', 'payments']);
  });

  it('uses every instance with a weight, and keeps each user with one', () => {
    expect(chosen()).toEqual(['a:1', 'b:1', 'b:2']);
    for (const user of many) expect(instanceFor(payments, user, [])).toBe(instanceFor(payments, user, []));
  });

  it('passes over who is not ready, and moves nobody else', () => {
    const before = many.map((user) => nameOf(instanceFor(payments, user, [])));
    stateOf('b:2').state = 'away';
    const after = many.map((user) => nameOf(instanceFor(payments, user, [])));
    expect(after).not.toContain('b:2');
    expect(after.filter((name, user) => before[user] !== 'b:2' && name !== before[user])).toEqual([]);
  });

  it('gives the share of an upstream that is away to the others', () => {
    stateOf('b:1').state = stateOf('b:2').state = 'away';
    expect(chosen()).toEqual(['a:1']);
    stateOf('a:1').state = 'unready';
    expect(chosen()).toEqual([undefined]);
  });

  it('does not send a request twice to the same instance', () => {
    const first = instanceFor(payments, 'jane', [])!;
    const second = instanceFor(payments, 'jane', [first])!;
    const third = instanceFor(payments, 'jane', [first, second])!;
    expect(new Set([first, second, third]).size).toBe(3);
    expect(instanceFor(payments, 'jane', [first, second, third])).toBeUndefined();
  });
});
