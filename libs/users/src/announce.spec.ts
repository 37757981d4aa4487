import { messagingMigrations, Outbox, republish, type Announcer } from '@banyan/messaging';
import { openDatabase, type Database } from '@banyan/persistence';
import { v7 as uuidv7 } from 'uuid';
import { freshDatabase, type FreshDatabase } from '../../../test/database/database';
import { announceSigningKeys } from './announce-signing-keys';
import { announceUsers } from './announce-users';
import { userRenamed } from './messages';
import { usersMigrations } from './migrations';
import { UsersRepository } from './users.repository';

describe('what users announces again', () => {
  let fresh: FreshDatabase;
  let database: Database;
  const outbox = new Outbox('users', () => undefined);
  const users = new UsersRepository();

  beforeAll(async () => {
    fresh = await freshDatabase();
    database = await openDatabase({
      module: 'users',
      url: fresh.url,
      poolSize: 4,
      transactionTimeoutMs: 30_000,
      entities: [],
      migrations: [...messagingMigrations, ...usersMigrations],
      migrate: true,
    });
  });
  afterAll(async () => {
    await database.close();
    await fresh.drop();
  });

  const register = async (name: string) => {
    const id = uuidv7();
    const user = { id, email: `${id}@example.com`, name, roles: ['customer' as const], createdAt: new Date() };
    await database.transaction((tx) => users.add(tx, user, 'hash'));
    return id;
  };
  const announce = (announcer: Announcer) => republish(database, outbox, announcer);
  const announced = async (key: string) =>
    (await database.query<{ data: string }>('SELECT data FROM outbox WHERE key = $1 ORDER BY sequence', [key])).map(
      ({ data }) => JSON.parse(data) as Record<string, unknown>,
    );

  it('is every user’s name as it is now', async () => {
    const ids = [await register('Ada'), await register('Bela')];
    expect(await announce(announceUsers)).toMatchObject({ announced: 2 });
    expect(await announced(ids[0]!)).toEqual([{ userId: ids[0], name: 'Ada' }]);
    expect(await announced(ids[1]!)).toEqual([{ userId: ids[1], name: 'Bela' }]);
  });

  it('is never an older name after a newer one', async () => {
    const id = await register('Old');
    const started = Promise.withResolvers<void>();
    const slow: Announcer = {
      ...announceUsers,
      page: async (tx, after, limit) => {
        const page = await announceUsers.page(tx, after, limit);
        started.resolve();
        // The renaming has begun and waits for us: its lock says so.
        await untilSomebodyWaits();
        return page;
      },
    };
    const announcing = announce(slow);
    await started.promise;
    const renaming = database.transaction(async (tx) => {
      await users.forChange(tx, id);
      await users.rename(tx, id, 'New');
      await outbox.publish(tx, [userRenamed({ userId: id, name: 'New' })]);
    });
    await Promise.all([announcing, renaming]);
    expect((await announced(id)).map(({ name }) => name)).toEqual(['Old', 'New']);
  });

  it('is every key that is in use, and none that is out of date', async () => {
    const add = `INSERT INTO signing_key (kid, public_key, sealed_private_key, not_before, renew_at, expires_at)
                 VALUES ($1, '{"kty":"EC","crv":"P-256","x":"x","y":"y"}', '', now() - interval '9 days', now() - interval '8 days', now() + $2::interval)`;
    await database.query(add, ['in-use', '1 day']);
    await database.query(add, ['out-of-date', '-1 day']);
    expect(await announce(announceSigningKeys)).toMatchObject({ announced: 1 });
    expect(await announced('in-use')).toMatchObject([{ kid: 'in-use', publicKey: { kty: 'EC', x: 'x' } }]);
  });

  async function untilSomebodyWaits(): Promise<void> {
    for (;;) {
      const waiting = await database.query(
        `SELECT FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE NOT granted AND datname = current_database()`,
      );
      if (waiting.length > 0) return;
    }
  }
});
