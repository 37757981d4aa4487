import { moduleMessagesOf } from '@banyan/messaging';
import { modules } from '../../apps/monolith/src/modules';
import { exportedEvents, placed, programOf, type Placement } from './placement';

const hearings = modules.map(moduleMessagesOf);

const placement = (more: Partial<Placement>): Placement => ({
  modules: ['orders'],
  transport: 'kafka',
  databases: 'together',
  exportedEvents: [],
  ...more,
});

describe('the environment of an app', () => {
  it('says what it hosts and over which transport', () => {
    const environment = placed(placement({ modules: ['users', 'orders'] }), { LOG_LEVEL: 'warn' });
    expect(environment).toMatchObject({ MODULES: 'users,orders', EVENT_TRANSPORT: 'kafka', LOG_LEVEL: 'warn' });
  });

  it('names the one database of all where they share it', () => {
    const environment = placed(placement({}), { DATABASE_URL: 'postgres://here/banyan' });
    expect(environment['DATABASE_URL']).toBe('postgres://here/banyan');
  });

  it('names no database but its own where they are apart, and topics of their own', () => {
    const environment = placed(placement({ databases: 'apart' }), {
      DATABASE_URL: 'postgres://here/banyan',
      ORDERS_DATABASE_URL: 'postgres://here/banyan_orders',
      USERS_DATABASE_URL: 'postgres://here/banyan_users',
    });
    expect(environment['ORDERS_DATABASE_URL']).toBe('postgres://here/banyan_orders');
    expect(environment['DATABASE_URL']).toBe('');
    expect(environment).not.toHaveProperty('USERS_DATABASE_URL');
    expect(environment['KAFKA_PREFIX']).toBe('banyan-apart');
  });

  it('says whose events leave it only where some do not', () => {
    const mixed = placement({ transport: 'mixed', exportedEvents: ['orders'] });
    expect(placed(mixed, {})['BUS_EXPORTED_EVENTS']).toBe('orders');
    expect(placed({ ...mixed, exportedEvents: [] }, {})['BUS_EXPORTED_EVENTS']).toBe('none');
    expect(placed({ ...mixed, transport: 'kafka' }, {})['BUS_EXPORTED_EVENTS']).toBe('');
  });
});

describe('the events that leave an app', () => {
  it.each([
    [['users', 'orders', 'inventory'], ['payments'], ['users']],
    [['payments'], ['users', 'orders', 'inventory'], ['payments']],
    [['users', 'payments', 'inventory'], ['orders'], ['users', 'payments', 'inventory']],
    [['orders'], ['users', 'payments', 'inventory'], []],
  ])('of %j, heard by %j, are those of %j', (here, elsewhere, exported) => {
    expect(exportedEvents(here, elsewhere, hearings)).toEqual(exported);
  });
});

describe('the program of an app', () => {
  it('is that of its one module, or the monolith', () => {
    expect(programOf(['payments'])).toBe('payments');
    expect(programOf(['users', 'payments'])).toBe('monolith');
    expect(programOf(['module-without-an-app'])).toBe('monolith');
  });
});
