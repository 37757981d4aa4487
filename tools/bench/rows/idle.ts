import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import type { Bench } from '../bench';
import type { Row } from '../row';

const SETTLE_MS = 5_000;
// Of one statement the server writes one such line, however it came.
const STATEMENT = /LOG:\s+(?:statement|execute [^:]+): (.*)/;

/** What a shop asks its database for while nobody asks anything of it. */
export const idle: Row = {
  name: 'idle',
  job: 'statements of an idle shop',
  async measure(bench: Bench) {
    const { house, plan } = bench;
    const { database } = await bench.stocked();
    await house.sql('postgres', `ALTER DATABASE "${database}" SET log_statement = 'all'`);
    const shop = await bench.startShop(this.name);
    try {
      await pause(SETTLE_MS);
      const before = readFileSync(house.postgresLog, 'utf8').length;
      await pause(plan.idleSeconds * 1_000);
      const lines = readFileSync(house.postgresLog, 'utf8').slice(before).split('\n');
      const statements = lines.flatMap((line) => STATEMENT.exec(line)?.[1] ?? []);
      const perMinute = (count: number) => (count * 60) / plan.idleSeconds;
      const kinds = Map.groupBy(statements, (text) => text.trim().slice(0, 60));
      const most = [...kinds].toSorted(([, a], [, b]) => b.length - a.length).slice(0, 5);
      return [
        {
          what: 'statements of an idle shop, all four modules together',
          value: perMinute(statements.length),
          unit: '/min',
          ours: most.map(([text, all]) => `${Math.round(perMinute(all.length))} × \`${text}…\``).join('; '),
          reference: '',
          each: [perMinute(statements.length)],
          discarded: 0,
          disturbed: false,
        },
      ];
    } finally {
      await shop.stop();
      await house.sql('postgres', `ALTER DATABASE "${database}" RESET log_statement`);
    }
  },
};
