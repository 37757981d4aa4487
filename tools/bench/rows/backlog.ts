import type { Client } from 'pg';
import type { Bench } from '../bench';
import type { Plan } from '../plan';
import { comparison, microseconds } from '../figure';
import { costOf, type Sample } from '../rounds';
import type { Row } from '../row';
import { Clock } from '../subject/clock';

const SHORT = 1_000;
const ELSEWHERE = 'elsewhere';

/**
 * What an event costs behind a long backlog, and while somebody holds a snapshot open, against what it costs in bursts of
 * a thousand. Databases are fresh in every round, so that none carries what an earlier one left.
 */
export const backlog: Row = {
  name: 'backlog',
  job: 'a long backlog, and a snapshot held open',
  async measure(bench: Bench) {
    const { house, plan } = bench;
    await house.createDatabase(ELSEWHERE);
    const rounds = await bench.rounds(this.name, {
      short: () => onFreshClock(bench, (clock) => inBursts(bench.plan, clock)),
      long: () =>
        onFreshClock(bench, (clock) =>
          perEvent(clock, plan.backlogSample, () => clock.drain(plan.longBacklog, plan.backlogSample)),
        ),
      snapshot: () =>
        onFreshClock(bench, (clock) => whileOpen(bench, clock.database, () => inBursts(bench.plan, clock))),
      elsewhere: () => onFreshClock(bench, (clock) => whileOpen(bench, ELSEWHERE, () => inBursts(bench.plan, clock))),
    });
    await house.dropDatabase(ELSEWHERE);
    const rows = plan.longBacklog.toLocaleString('en-GB');
    const open = { is: 'most', must: 1.5, aim: 1.1 } as const;
    return [
      comparison(`per event behind ${rows} rows, against bursts of 1,000`, rounds, ['long', 'short'], microseconds, {
        is: 'most',
        must: 1.3,
        aim: 1.1,
      }),
      comparison('per event while a snapshot is held open', rounds, ['snapshot', 'short'], microseconds, open),
      comparison(
        'per event while one is held open in another database of the server',
        rounds,
        ['elsewhere', 'short'],
        microseconds,
        open,
      ),
    ];
  },
};

async function onFreshClock<T>(bench: Bench, measure: (clock: Clock) => Promise<T>): Promise<T> {
  const clock = await Clock.open(bench, backlog.name);
  try {
    // Until the code is warm and every connection has its plans.
    await clock.drain(10 * SHORT);
    return await measure(clock);
  } finally {
    await clock.close();
  }
}

function inBursts({ backlogSample }: Plan, clock: Clock): Promise<Sample> {
  return perEvent(clock, backlogSample, async () => {
    let took = 0;
    for (let done = 0; done < backlogSample; done += SHORT) took += await clock.drain(SHORT);
    return took;
  });
}

/** Microseconds per event of what `drain` says it took, and of processor time in the bus's own process. */
async function perEvent(clock: Clock, events: number, drain: () => Promise<number>): Promise<Sample> {
  const { result, cpu } = await costOf([clock.pid], drain);
  return { value: (result * 1_000) / events, cpu: cpu / events };
}

/** Meanwhile somebody has a transaction open that has written, and sees the database as it was when it began. */
async function whileOpen<T>({ house }: Bench, database: string, work: () => Promise<T>): Promise<T> {
  const session: Client = await house.connect(database);
  try {
    await session.query('BEGIN ISOLATION LEVEL REPEATABLE READ');
    await session.query('SELECT pg_current_xact_id()');
    return await work();
  } finally {
    await session.end();
  }
}
