import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { formatTopology, loadTopology, modulesOf, parseTopology, routeOf, TopologyInvalid, upstreamsOf } from './index';

const SHIPPED = join(__dirname, '..', '..', '..', 'deploy', 'topologies');

const SHOP = ['users', 'orders', 'payments', 'inventory'];

const apart = `
description: Two apps.
transport: mixed
apps:
  monolith: { modules: [users, orders, payments] }
  payments: { modules: [payments], instances: [{ address: '127.0.0.1:3003', version: '7' }] }
routes:
  payments: { upstreams: { monolith: 75, payments: 25 } }
`;

describe('a topology', () => {
  it.each(readdirSync(SHIPPED).filter((file) => file.endsWith('.yaml')))('is what %s says', (file) => {
    for (const shop of [SHOP, [...SHOP, 'reviews']]) {
      const topology = loadTopology(join(SHIPPED, file), shop);
      expect(modulesOf(topology).sort()).toEqual([...shop].sort());
      for (const module of shop) expect(upstreamsOf(topology, module)).toHaveLength(1);
    }
  });

  it('has what no app names where the rest is hosted, and no app for which nothing is left', () => {
    const rest =
      'description: x\ntransport: kafka\napps: { payments: { modules: [payments] }, others: { modules: rest } }';
    expect(parseTopology(rest, 'here', ['users', 'payments', 'orders']).apps['others']?.modules).toEqual([
      'users',
      'orders',
    ]);
    expect(Object.keys(parseTopology(rest, 'here', ['payments']).apps)).toEqual(['payments']);
    expect(() => parseTopology(rest, 'here')).toThrow('apps.others.modules');
    expect(() => parseTopology('apps: [', 'here', SHOP)).toThrow(TopologyInvalid);
    expect(() => parseTopology('apps: none', 'here', SHOP)).toThrow(TopologyInvalid);
  });

  it('knows who answers for a module, and how', () => {
    const topology = parseTopology(apart, 'here');
    expect(upstreamsOf(topology, 'users')).toEqual([{ app: 'monolith', weight: 100 }]);
    expect(upstreamsOf(topology, 'payments')).toEqual([
      { app: 'monolith', weight: 75 },
      { app: 'payments', weight: 25 },
    ]);
    expect(routeOf(topology, 'users')).toMatchObject({ sticky: 'user', timeoutMs: 30_000, bodyLimitBytes: 1_048_576 });
    expect(topology.apps['payments']?.instances).toEqual([{ address: '127.0.0.1:3003', weight: 100, version: '7' }]);
  });

  it('is the same once written and read again', () => {
    const topology = parseTopology(apart, 'here');
    expect(parseTopology(formatTopology(topology), 'there')).toEqual(topology);
  });

  it.each([
    ['no YAML', 'apps: [', 'there is no topology'],
    ['an unknown field', `${apart}\ncolour: green`, 'colour'],
    ['no app', 'description: x\ntransport: kafka\napps: {}', 'names no app'],
    ['several apps without a wire between them', apart.replace('mixed', 'in-process'), 'in-process carries'],
    [
      'a module that two apps host and no weights',
      apart.slice(0, apart.indexOf('routes')),
      'routes.payments is hosted by',
    ],
    ['weights that leave nobody', apart.replace('75', '0').replace('25', '0'), 'leaves nobody to answer'],
    ['a weight over 100', apart.replace('75', '101'), 'routes.payments.upstreams.monolith'],
    ['an upstream that does not host the module', apart.replace('payments: 25', 'users: 25'), 'does not host payments'],
    ['a route of nobody', `${apart}  reviews: {}\n`, 'routes.reviews is hosted by no app'],
    ['an address without a port', apart.replace('127.0.0.1:3003', '127.0.0.1'), 'host:port'],
  ])('is refused for %s', (_, text, fault) => {
    expect(() => parseTopology(text, 'there')).toThrow(TopologyInvalid);
    expect(() => parseTopology(text, 'there')).toThrow(fault);
  });

  it('is refused where there is no file', () => {
    expect(() => loadTopology(join(SHIPPED, 'nowhere.yaml'))).toThrow(/nowhere\.yaml is no topology/);
  });
});
