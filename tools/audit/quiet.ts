import { setTimeout as pause } from 'node:timers/promises';
import type { AuditedShop } from './check';
import { edgesOf, type Edge } from './edges';
import type { ModuleView } from './module-view';

/** What may go on in a module that has such a table, and how much of it. */
const UNREST: readonly { table: string; says: string; sql: string }[] = [
  {
    table: 'order',
    says: 'open orders',
    sql: `SELECT count(*) AS count FROM "order" WHERE status IN ('pending', 'cancelling')`,
  },
  {
    table: 'process',
    says: 'open processes',
    sql: 'SELECT count(*) AS count FROM process WHERE ended_at IS NULL',
  },
  {
    table: 'payment',
    says: 'unsettled payments and refunds',
    sql: `SELECT (SELECT count(*) FROM payment WHERE status = 'pending') +
                 (SELECT count(*) FROM refund WHERE status = 'pending') AS count`,
  },
  {
    table: 'held_message',
    says: 'messages to be tried again',
    sql: `SELECT count(*) AS count FROM held_message WHERE state = 'retrying'`,
  },
];

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 1_000;
const MESSAGES_AT_A_TIME = 5_000;

/**
 * Waits until nothing is on its way in the shop, for `patienceMs` at most, or until nobody is there who could bring it on.
 * Answers what still goes on, in words; nothing where it is quiet.
 */
export async function quiet(
  modules: AuditedShop['modules'],
  patienceMs: number,
  onWaiting: (unrest: string[]) => void,
): Promise<string[]> {
  const until = Date.now() + patienceMs;
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
    const unrest = await unrestIn(modules);
    if (unrest.length === 0 || Date.now() >= until || !(await isAttended(modules))) return unrest;
    onWaiting(unrest);
    await pause(pauseMs);
  }
}

async function unrestIn(modules: AuditedShop['modules']): Promise<string[]> {
  const unrest: string[] = [];
  for (const view of modules.values()) {
    for (const { table, says, sql } of UNREST) {
      if (!(await view.has(table))) continue;
      const [row] = await view.rows<{ count: number }>(sql);
      if (row && row.count > 0) unrest.push(`${says} (${row.count})`);
    }
  }
  for (const edge of await edgesOf(modules)) {
    const behind = await streamsBehind(edge);
    if (behind > 0) unrest.push(`messages from ${edge.source.module} to ${edge.subscriber.module}`);
  }
  return unrest;
}

/** Of the messages after the subscriber's position, the streams that it has not taken over; only what is found first. */
async function streamsBehind({ source, subscriber, topics, position }: Edge): Promise<number> {
  for (let after = position; ;) {
    const messages = await source.rows<{ position: number; topic: string; key: string; sequence: number }>(
      `SELECT position, topic, key, sequence FROM outbox
       WHERE position > $1 AND topic = ANY($2) ORDER BY position LIMIT ${MESSAGES_AT_A_TIME}`,
      [after, topics],
    );
    const [row] = await subscriber.rows<{ count: number }>(
      `SELECT count(*) AS count
       FROM unnest($2::text[], $3::text[], $4::bigint[]) AS sent(topic, key, sequence)
       LEFT JOIN stream_memory m ON m.source = $1 AND m.topic = sent.topic AND m.key = sent.key
       WHERE coalesce(m.last_sequence, 0) < sent.sequence`,
      [
        source.module,
        messages.map(({ topic }) => topic),
        messages.map(({ key }) => key),
        messages.map(({ sequence }) => sequence),
      ],
    );
    if (row && row.count > 0) return row.count;
    if (messages.length < MESSAGES_AT_A_TIME) return 0;
    after = messages.at(-1)!.position;
  }
}

/** Whether somebody consumes for these modules: a lease that has run out says that the shop is down. */
async function isAttended(modules: AuditedShop['modules']): Promise<boolean> {
  const leases = async (view: ModuleView) => view.rows('SELECT FROM subscription WHERE lease_until > now() LIMIT 1');
  const found = await Promise.all([...modules.values()].map(leases));
  return found.some((rows) => rows.length > 0);
}
