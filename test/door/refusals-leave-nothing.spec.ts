import { randomInt } from 'node:crypto';
import { tmpdir } from 'node:os';
import fc from 'fast-check';
import { Client } from 'pg';
import { Fuzz } from '../../tools/fuzz/fuzz';
import { Population } from '../../tools/fuzz/population';
import { requestsFor, type Request } from '../../tools/fuzz/requests';
import { until } from '../journeys/shop/eventually';
import { inAShopOfItsOwn } from '../journeys/shop/running-shop';

const EACH = 12;
const AT_ONCE = 4;
const seed = Number(process.env['DOOR_SEED'] ?? randomInt(2 ** 31));

/**
 * A digest of every table of every module, so that nothing can be added, taken away or changed unnoticed. But for how far
 * a subscriber has read, which is written down now and then.
 */
async function everythingIn(databaseUrl: string): Promise<Record<string, string>> {
  const database = new Client({ connectionString: databaseUrl });
  await database.connect();
  try {
    const tables = await database.query<{ name: string }>(
      `SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables
       WHERE schemaname NOT IN ('pg_catalog', 'information_schema') AND tablename <> 'subscription'
       ORDER BY 1`,
    );
    const digests: Record<string, string> = {};
    for (const { name } of tables.rows) {
      const { rows } = await database.query<{ digest: string }>(
        `SELECT count(*) || ' ' || md5(coalesce(string_agg(t::text, E'\\n' ORDER BY t::text), '')) AS digest FROM ${name} t`,
      );
      digests[name] = rows[0]!.digest;
    }
    return digests;
  } finally {
    await database.end();
  }
}

/** The same, once every order has ended, the modules have told each other everything and nothing changes any more. */
async function onceQuiet(population: Population, databaseUrl: string): Promise<Record<string, string>> {
  for (const status of ['pending', 'cancelling']) {
    await until(`no order is ${status}`, async () => (await population.all(`/orders?status=${status}`)).size === 0);
  }
  let before = await everythingIn(databaseUrl);
  let quietSince = Date.now();
  return until('the shop is quiet', async () => {
    const now = await everythingIn(databaseUrl);
    if (JSON.stringify(now) !== JSON.stringify(before)) quietSince = Date.now();
    before = now;
    return Date.now() - quietSince > 1_000 && now;
  });
}

inAShopOfItsOwn('in a shop where nothing else happens', {}, (shop) => {
  test(`a request that is refused leaves no trace in any table (DOOR_SEED=${seed})`, async () => {
    const population = await Population.settle(shop().baseUrl, shop().admin);
    const fuzz = await Fuzz.at(shop().baseUrl, population, { cases: 0, seed, folder: tmpdir() });
    const requests = fuzz.api.operations
      .flatMap((operation) => fc.sample(requestsFor(operation, population.known), { seed, numRuns: EACH }))
      .filter(({ sender }) => sender !== 'leaver');

    const sendAll = async (wanted: readonly Request[]) => {
      const refused: Request[] = [];
      const waiting = [...wanted];
      await Promise.all(
        Array.from({ length: AT_ONCE }, async () => {
          for (let next = waiting.shift(); next; next = waiting.shift()) {
            const { status } = await fuzz.send(next);
            if (status >= 400) refused.push(next);
          }
        }),
      );
      return refused;
    };

    // The first time tells which of them are refused, and the second which of those are not for a while only, such as an
    // order for what orders has not heard of yet; the rest is sent again where it is watched.
    let refused = await sendAll(requests);
    const [databaseUrl] = shop().databaseUrls as [string];
    await onceQuiet(population, databaseUrl);
    refused = await sendAll(refused);
    const before = await onceQuiet(population, databaseUrl);
    const again = await sendAll(refused);
    await fuzz.close();
    expect(again).toHaveLength(refused.length);
    expect(refused.length).toBeGreaterThan(requests.length / 2);
    expect(await onceQuiet(population, databaseUrl)).toEqual(before);
  }, 60_000);
});
