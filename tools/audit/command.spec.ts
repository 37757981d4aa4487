import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { soundShop, type SoundShop } from './test/sound-shop';

jest.setTimeout(60_000);

let shop: SoundShop;
beforeAll(async () => {
  shop = await soundShop();
});
afterAll(() => shop.close());

describe('npm run audit', () => {
  it('says nothing of a sound shop but a closing line, and exits 0', async () => {
    const { code, out, err } = await audit();
    expect(out).toBe('');
    expect(err).toMatch(/^All \d+ invariants hold: .*\b5 orders\b.*, in \d+\.\d s\.\n$/);
    expect(code).toBe(0);
  });

  it('prints a line per violation with its ids, and exits 1', async () => {
    const { confirmed } = shop.orders;
    await shop.change(`UPDATE orders."order" SET total_amount = total_amount + 1 WHERE id = '${confirmed}'`);
    try {
      const lines = await audit();
      expect(lines.out).toBe(`money/kept-as-agreed  order ${confirmed}: confirmed, 5000 is kept instead of 5001\n`);
      expect(lines.err).toMatch(/^1 violation of \d+ invariants: .*\n$/);
      expect(lines.code).toBe(1);

      const json = await audit('--json');
      const violation = {
        invariant: 'money/kept-as-agreed',
        subject: `order ${confirmed}`,
        what: 'confirmed, 5000 is kept instead of 5001',
      };
      expect(JSON.parse(json.out)).toMatchObject({ violations: [violation], counts: { orders: 5 } });
      expect(json.code).toBe(1);
    } finally {
      await shop.change(`UPDATE orders."order" SET total_amount = total_amount - 1 WHERE id = '${confirmed}'`);
    }
  });

  it('waits for no quiet where nobody is at work, and says what was going on', async () => {
    const { confirmed } = shop.orders;
    await shop.change(`UPDATE orders.process SET ended_at = NULL WHERE key = '${confirmed}'`);
    await shop.change(`UPDATE orders.subscription SET lease_until = now(); UPDATE payments.subscription SET lease_until = now();
                       UPDATE inventory.subscription SET lease_until = now(); UPDATE users.subscription SET lease_until = now()`);
    try {
      const { out, err, code } = await audit('--wait', '600');
      expect(out).toContain(`orders/no-open-process  order ${confirmed}`);
      expect(err).toContain('Judged before it was quiet: open processes (1).');
      expect(code).toBe(1);
    } finally {
      await shop.change(`UPDATE orders.process SET ended_at = started_at WHERE key = '${confirmed}'`);
    }
  });

  it.each([
    [
      'the database is away',
      () => ({ DATABASE_URL: 'postgres://nobody:none@127.0.0.1:1/none' }),
      /^audit: The database .* cannot be reached.*ECONNREFUSED.*\n$/,
    ],
    [
      'the provider is away',
      () => ({ PAYMENT_PROVIDER_URL: 'http://127.0.0.1:1' }),
      /^audit: The payment provider at http:\/\/127\.0\.0\.1:1 does not show its books .*--no-books\n$/,
    ],
    [
      'the database is not the shop’s',
      () => ({ DATABASE_URL: new URL('/postgres', shop.databases.get('orders')).href }),
      /^audit: The database of the module \w+ is not as this version needs it.* npm run db -- migrate\n$/,
    ],
  ])('exits 2 with a line when %s', async (_what, environment, line) => {
    const { code, out, err } = await run(['--now'], environment());
    expect(err).toMatch(line);
    expect(out).toBe('');
    expect(code).toBe(2);
  });

  it('judges without the books where there are none', async () => {
    const { code, err } = await run(['--now', '--no-books'], { PAYMENT_PROVIDER_URL: 'http://127.0.0.1:1' });
    expect(err).toMatch(/^All \d+ invariants hold/);
    expect(code).toBe(0);
  });

  it('exits 2 when it is called wrongly', async () => {
    const { code, err } = await run(['--wait', 'long']);
    expect(err).toContain('--wait must be a number of seconds, not long.');
    expect(code).toBe(2);
  });
});

const audit = (...args: string[]) => run(['--wait', '0', ...args]);

async function run(args: string[], environment: Record<string, string> = {}) {
  const source = join(__dirname, '../../test/run-from-source.cjs');
  const child = spawn(process.execPath, ['--require', source, join(__dirname, 'main.ts'), ...args], {
    env: {
      PATH: process.env['PATH'],
      NODE_ENV: 'test',
      DATABASE_URL: shop.databases.get('orders'),
      PAYMENT_PROVIDER_URL: shop.providerUrl,
      ...environment,
    },
  });
  let out = '';
  let err = '';
  child.stdout.on('data', (text) => (out += text));
  child.stderr.on('data', (text) => (err += text));
  const code = await new Promise<number | null>((ended) => child.once('close', ended));
  return { code, out, err };
}
