import type { Bench } from '../bench';
import type { LoadGenerator } from '../load/load';
import type { RunningShop } from '../shop';

/** The three that answer `POST /orders`, each with what its server consists of. */
export interface Answering {
  shop: RunningShop;
  load: LoadGenerator;
  /** Where REF-H and NAIVE listen, and their processes. */
  bare: { url: string; pid: number };
  ordinary: { url: string; pid: number };
  stop(): Promise<void>;
}

/** Starts the shop, REF-H on a copy of its database, NAIVE on a database of its own, and the load generator. */
export async function startAnswering(bench: Bench, row: string): Promise<Answering> {
  const { house } = bench;
  const copy = await bench.copyOfShop();
  const own = `ordinary_${copy}`;
  await house.createDatabase(own);
  const { products } = await bench.stocked();
  const shop = await bench.startShop(row);
  const rows = products.map(({ id, sku, name, price }) => ({
    ...{ id, sku, name },
    priceAmount: price.amount,
    priceCurrency: price.currency,
  }));
  const bare = house.start('reference/bare-http', { env: { DATABASE_URL: house.urlOf(copy) } });
  const ordinary = house.start('reference/ordinary-shop', {
    env: { DATABASE_URL: house.urlOf(own), PUBLIC_KEYS: await shop.publicKeys(), PRODUCTS: JSON.stringify(rows) },
  });
  const load = bench.startLoad();
  return {
    shop,
    load,
    bare: { url: await bare.ask('url'), pid: bare.pid },
    ordinary: { url: await ordinary.ask('url'), pid: ordinary.pid },
    stop: async () => {
      await Promise.all([shop, load, bare, ordinary].map((one) => one.stop()));
      await house.dropDatabase(copy);
      await house.dropDatabase(own);
    },
  };
}
