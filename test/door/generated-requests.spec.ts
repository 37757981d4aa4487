import { randomInt } from 'node:crypto';
import { join } from 'node:path';
import { Fuzz } from '../../tools/fuzz/fuzz';
import { Population } from '../../tools/fuzz/population';
import { theShop } from '../journeys/shop/shop';

const CASES = 1_200;
const seed = Number(process.env['DOOR_SEED'] ?? randomInt(2 ** 31));

test(`whatever is sent, the answer keeps what the API promises (DOOR_SEED=${seed})`, async () => {
  const { baseUrl, admin } = theShop();
  const population = await Population.settle(baseUrl, admin);
  const folder = join(__dirname, '../../.banyan/fuzz');
  const fuzz = await Fuzz.at(baseUrl, population, { cases: CASES, seed, folder });
  const { findings, statuses } = await fuzz.run();
  await fuzz.close();
  expect(findings).toEqual([]);
  // That nothing is wrong with refusals says little where everything is refused for the same reason.
  expect([...statuses.keys()]).toEqual(expect.arrayContaining([200, 201, 400, 401, 403, 404, 405, 409, 413, 415]));
}, 60_000);
