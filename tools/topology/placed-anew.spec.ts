import { spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { projectFolder } from '@banyan/development';
import { freshDatabase, type FreshDatabase } from '../../test/database/database';
import { describeWithOwnKafka } from '../../test/kafka/describe-with-kafka';
import type { Session } from '../shop-client/session';
import { Shop } from '../shop-client/shop';
import { startTopology, type RunningTopology } from './start-topology';

const LONG_MS = 120_000;
const login = { email: 'customer@topology.example', password: randomUUID() };

let folder: string;
let database: FreshDatabase;

beforeAll(async () => {
  const built = spawnSync(process.execPath, [join(projectFolder(), 'tools/ensure-built.cjs')], { stdio: 'inherit' });
  if (built.status !== 0) throw new Error('The shop cannot be built.');
  folder = mkdtempSync(join(tmpdir(), 'banyan-anew-'));
  chmodSync(folder, 0o711);
  database = await freshDatabase();
}, LONG_MS);

afterAll(async () => {
  await database.drop();
  rmSync(folder, { recursive: true, force: true });
});

describeWithOwnKafka('a shop that is placed anew', () => {
  it(
    'finishes in four apps the orders that one had open',
    async () => {
      const orders: string[] = [];
      await inShop('monolith', async ({ url, admin }) => {
        const [asAdmin, asCustomer] = await Promise.all([signIn(url, admin), signIn(url, login)]);
        const price = { amount: 250, currency: 'GBP' };
        const { id: productId } = await asAdmin.listProduct({ sku: 'ANEW', name: 'Spoon', price, stock: 10 });
        const wish = { items: [{ productId, quantity: 1 }], payment: { token: 'tok_slow' } };
        for (let n = 0; n < 3; n++) orders.push((await asCustomer.placeOrder(wish, `anew-${n}`)).id);
        expect(await statuses(asCustomer, orders)).toEqual(['pending', 'pending', 'pending']);
      });

      await inShop('split', async ({ url, apps }) => {
        expect(apps.map(({ modules }) => modules)).toEqual([['users'], ['orders'], ['payments'], ['inventory']]);
        const customer = await signIn(url, login);
        const giveUpAt = Date.now() + 60_000;
        while ((await statuses(customer, orders)).some((status) => status === 'pending') && Date.now() < giveUpAt) {
          await wait(100);
        }
        expect(await statuses(customer, orders)).toEqual(['confirmed', 'confirmed', 'confirmed']);
      });
    },
    LONG_MS,
  );
});

async function inShop(topology: string, visit: (shop: RunningTopology) => Promise<void>): Promise<void> {
  const said: string[] = [];
  const environment = { PATH: process.env['PATH'], DATABASE_URL: database.url, DATABASE_POOL_SIZE: '3' };
  const tell = (from: string, line: string) => void said.push(`${from}: ${line}`);
  const shop = await startTopology({ topology, folder, port: 0, environment, tell });
  try {
    await visit(shop);
  } catch (error) {
    throw new Error(`${(error as Error).message}\n${said.slice(-50).join('\n')}`, { cause: error });
  } finally {
    await shop.stop();
  }
}

function signIn(url: string, credentials: { email: string; password: string }): Promise<Session> {
  return new Shop(url).register(credentials, 'Jane Austen');
}

const statuses = (session: Session, orders: readonly string[]) =>
  Promise.all(orders.map(async (id) => (await session.order(id)).status));
