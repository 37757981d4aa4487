import { loadSettings, SettingsError, variableNames } from './index';

const database = { DATABASE_URL: 'postgres://localhost/banyan' };
const production = {
  ...database,
  NODE_ENV: 'production',
  SIGNING_KEY_SECRET: 'a-secret-of-our-own-that-nobody-else-knows',
  PAYMENT_PROVIDER_URL: 'https://provider.example',
};

describe('the settings', () => {
  it('need nothing but a database in development', () => {
    expect(loadSettings(database)).toMatchObject({
      environment: 'development',
      http: { port: 3000 },
      bus: { transport: 'in-process', mischief: null },
      admin: null,
      seedCatalogue: true,
      log: { pretty: true },
      failpoints: [],
    });
  });

  it('take an empty variable for an unset one', () => {
    expect(loadSettings({ ...database, PORT: '' }).http.port).toBe(3000);
  });

  it('give a module its own database where it has one', () => {
    const settings = loadSettings({ ...database, ORDERS_DATABASE_URL: 'postgres://elsewhere/orders' });
    expect(settings.database.urlFor('orders')).toBe('postgres://elsewhere/orders');
    expect(settings.database.urlFor('users')).toBe(database.DATABASE_URL);
    expect(() => loadSettings({ ORDERS_DATABASE_URL: 'postgres://elsewhere/orders' }).database.urlFor('users')).toThrow(
      'USERS_DATABASE_URL',
    );
  });

  it.each([
    ['PORT', { PORT: '70000' }],
    ['PORT', { PORT: '3e3' }],
    ['DATABASE_URL', { DATABASE_URL: 'mysql://localhost/x' }],
    ['DATABASE_URL', { DATABASE_URL: undefined }],
    ['ORDERS_DATABASE_URL', { ORDERS_DATABASE_URL: 'nonsense' }],
    ['NODE_ENV', { NODE_ENV: 'staging' }],
    ['EVENT_TRANSPORT', { EVENT_TRANSPORT: 'rabbit' }],
    ['KAFKA_BROKERS', { EVENT_TRANSPORT: 'kafka' }],
    ['ACCESS_TOKEN_SECONDS', { ACCESS_TOKEN_SECONDS: '601' }],
    ['ADMIN_PASSWORD', { ADMIN_EMAIL: 'admin@banyan.example' }],
    ['ADMIN_EMAIL', { ADMIN_PASSWORD: 'long enough, surely' }],
    ['ADMIN_PASSWORD', { ADMIN_EMAIL: 'admin@banyan.example', ADMIN_PASSWORD: 'short' }],
    ['TRUSTED_PROXIES', { TRUSTED_PROXIES: 'everybody' }],
    ['TRUSTED_PROXIES', { TRUSTED_PROXIES: '10.0.0.0/8, 10.0.0.1/33' }],
    ['BUS_MISCHIEF', { BUS_MISCHIEF: 'duplicate=2' }],
    ['BUS_MISCHIEF', { BUS_MISCHIEF: 'gremlins=1' }],
    ['FAILPOINTS', { FAILPOINTS: 'outbox.after-commit=explode' }],
  ])('name %s when it is wrong: %j', (name, wrong) => {
    expect(() => loadSettings({ ...database, ...wrong })).toThrow(SettingsError);
    expect(() => loadSettings({ ...database, ...wrong })).toThrow(name);
  });

  it.each([
    ['DATABASE_URL', { DATABASE_URL: '' }],
    ['SIGNING_KEY_SECRET', { SIGNING_KEY_SECRET: '' }],
    ['SIGNING_KEY_SECRET', { SIGNING_KEY_SECRET: 'development-only-secret-never-for-production' }],
    ['PAYMENT_PROVIDER_URL', { PAYMENT_PROVIDER_URL: '' }],
    ['BUS_MISCHIEF', { BUS_MISCHIEF: 'duplicate=0.5' }],
    ['FAILPOINTS', { FAILPOINTS: 'outbox.after-commit=kill' }],
    ['SEED_CATALOGUE', { SEED_CATALOGUE: 'true' }],
  ])('name %s when production cannot start with it: %j', (name, wrong) => {
    expect(() => loadSettings({ ...production, ...wrong })).toThrow(name);
  });

  it('ask of an app only what its modules need', () => {
    const bare = { ...production, SIGNING_KEY_SECRET: '', PAYMENT_PROVIDER_URL: '' };
    expect(loadSettings(bare, { modules: ['orders'] }).environment).toBe('production');
    expect(() => loadSettings(bare, { modules: ['users'] })).toThrow(/^SIGNING_KEY_SECRET(?!.*PAYMENT)/);
    expect(() => loadSettings(bare, { modules: ['payments'] })).toThrow(/^PAYMENT_PROVIDER_URL(?!.*SIGNING)/);
  });

  it('let an app host some of its modules, and no others', () => {
    const shop = { modules: ['users', 'orders'] };
    expect(loadSettings(database, shop).modules).toBeNull();
    expect(loadSettings({ ...database, MODULES: 'orders, users' }, shop).modules).toEqual(['orders', 'users']);
    expect(() => loadSettings({ ...database, MODULES: 'orders,reviews' }, shop)).toThrow(
      'MODULES names reviews; this app has users, orders',
    );
    expect(() => loadSettings({ ...database, MODULES: ',' }, shop)).toThrow('MODULES names none');
  });

  it('say it in one line', () => {
    expect.assertions(1);
    try {
      loadSettings({ PORT: 'x', NODE_ENV: 'y' });
    } catch (error) {
      expect((error as Error).message).not.toContain('\n');
    }
  });

  it('start in production with secrets of its own', () => {
    expect(loadSettings(production)).toMatchObject({ seedCatalogue: false, log: { pretty: false } });
  });

  it('read mischief and failpoints', () => {
    const settings = loadSettings({
      ...database,
      BUS_MISCHIEF: 'duplicate=0.2, delay=50',
      FAILPOINTS: 'outbox.after-commit=kill@3, provider.call=delay:500',
    });
    expect(settings.bus.mischief).toEqual({ duplicate: 0.2, delayMs: 50, reorder: 0 });
    expect(settings.failpoints).toEqual([
      { name: 'outbox.after-commit', act: 'kill', hit: 3 },
      { name: 'provider.call', act: 'delay', delayMs: 500, hit: null },
    ]);
  });

  it('list every variable', () => {
    expect(variableNames).toEqual(expect.arrayContaining(['DATABASE_URL', 'PORT', 'FAILPOINTS']));
  });
});
