import { randomBytes } from 'node:crypto';
import { Client } from 'pg';
import { freshDatabase, FreshDatabase } from '../../../test/database/database';
import { DatabaseNotPrepared, notPrepared, prepareDatabase } from './prepare-database';

describe('preparing a database for a module', () => {
  // Roles are the server's, which other tests use at the same time.
  const suffix = randomBytes(4).toString('hex');
  const modules: string[] = [];
  const logins: string[] = [];
  let fresh: FreshDatabase;
  let admin: Client;
  beforeAll(async () => {
    fresh = await freshDatabase();
    admin = new Client({ connectionString: fresh.url });
    await admin.connect();
  });
  afterAll(async () => {
    await admin.end();
    await fresh.drop();
    const elsewhere = new Client({ connectionString: process.env['TEST_DATABASE_URL'] });
    await elsewhere.connect();
    for (const name of [...modules.map((module) => `banyan_${module}`), ...logins]) {
      await elsewhere.query(`DROP ROLE IF EXISTS "${name}"`);
    }
    await elsewhere.end();
  });

  const newModule = () => {
    const name = `shelf_${modules.length}_${suffix}`;
    modules.push(name);
    return name;
  };
  const newLogin = async (privileges = '') => {
    const name = `clerk ${logins.length} ${suffix}`;
    logins.push(name);
    await admin.query(`CREATE ROLE "${name}" LOGIN PASSWORD 'secret' ${privileges}`);
    const url = new URL(fresh.url);
    url.username = encodeURIComponent(name);
    url.password = 'secret';
    return { name, url: url.href };
  };
  const refusal = (module: string, url: string) =>
    prepareDatabase(module, url).then(
      () => 'prepared',
      (error: unknown) => error,
    );
  const sqlIn = (error: unknown) => (error as Error).message.split('\n').slice(1).join('\n');

  it('an administrator’s login makes role and schema, once', async () => {
    const module = newModule();
    await prepareDatabase(module, fresh.url);
    await prepareDatabase(module, fresh.url);
    const { rows } = await admin.query(
      `SELECT pg_get_userbyid(nspowner) AS owner, rolcanlogin FROM pg_namespace JOIN pg_roles ON rolname = $2 WHERE nspname = $1`,
      [module, `banyan_${module}`],
    );
    expect(rows).toEqual([{ owner: `banyan_${module}`, rolcanlogin: false }]);
  });

  it('several processes that start at once do not get in one another’s way', async () => {
    const module = newModule();
    await Promise.all(Array.from({ length: 6 }, () => prepareDatabase(module, fresh.url)));
  });

  it('a login without privileges is told the exact SQL, and that SQL is enough', async () => {
    const module = newModule();
    const login = await newLogin();
    const error = await refusal(module, login.url);
    expect(error).toBeInstanceOf(DatabaseNotPrepared);
    expect((error as Error).message).toContain(`${login.name} may not do it`);
    expect(sqlIn(error)).toBe(
      [
        `  CREATE ROLE "banyan_${module}" NOLOGIN;`,
        `  GRANT "banyan_${module}" TO "${login.name}" WITH SET TRUE;`,
        `  CREATE SCHEMA "${module}" AUTHORIZATION "banyan_${module}";`,
      ].join('\n'),
    );
    await admin.query(sqlIn(error));
    expect(await refusal(module, login.url)).toBe('prepared');
  });

  it('all that several modules lack is told at once', async () => {
    const fewer = [newModule(), newModule()];
    const login = await newLogin();
    const error = await notPrepared(fewer.map((module) => ({ module, url: login.url })));
    expect(error.message).toContain(`not prepared for ${fewer.join(', ')}, and ${login.name} may not`);
    await admin.query(sqlIn(error));
    for (const module of fewer) expect(await refusal(module, login.url)).toBe('prepared');
  });

  it('of what is there already nothing is asked for again', async () => {
    const module = newModule();
    const login = await newLogin();
    await prepareDatabase(module, fresh.url);
    const error = await refusal(module, login.url);
    expect(sqlIn(error)).toBe(`  GRANT "banyan_${module}" TO "${login.name}" WITH SET TRUE;`);
    await admin.query(sqlIn(error));
    expect(await refusal(module, login.url)).toBe('prepared');
  });

  it('a login that may make roles, but no schemas, is told the rest', async () => {
    const module = newModule();
    const login = await newLogin('CREATEROLE');
    const error = await refusal(module, login.url);
    expect(sqlIn(error)).toBe(`  CREATE SCHEMA "${module}" AUTHORIZATION "banyan_${module}";`);
    await admin.query(sqlIn(error));
    expect(await refusal(module, login.url)).toBe('prepared');
  });

  it('a schema of somebody else’s is handed over, or asked for', async () => {
    const module = newModule();
    const login = await newLogin();
    await prepareDatabase(module, fresh.url);
    await admin.query(`ALTER SCHEMA "${module}" OWNER TO CURRENT_USER; GRANT "banyan_${module}" TO "${login.name}"`);
    const error = await refusal(module, login.url);
    expect(sqlIn(error)).toBe(`  ALTER SCHEMA "${module}" OWNER TO "banyan_${module}";`);
    await prepareDatabase(module, fresh.url);
    expect(await refusal(module, login.url)).toBe('prepared');
  });
});
