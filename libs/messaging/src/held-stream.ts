import { statement, Transaction } from '@banyan/persistence';
import { StreamName } from './stream-memory';

/** A stream of a source among what a subscriber holds. */
export interface HeldStream extends StreamName {
  source: string;
}

/** The condition that a row belongs to the stream of the first three parameters. */
export const OF_STREAM = 'source = $1 AND topic = $2 AND key = $3';

// Before the queue moves up, so that nothing can be put behind it unseen.
const locking = statement<never>('held-stream.lock', `SELECT FROM stream_memory WHERE ${OF_STREAM} FOR UPDATE`);

// The next in line is due at once; where there is none, the stream flows again.
const advancing = statement<never>(
  'held-stream.advance',
  `WITH next AS (
     UPDATE held_message SET state = 'retrying', next_attempt_at = now()
     WHERE ${OF_STREAM} AND state = 'waiting'
       AND sequence = (SELECT min(sequence) FROM held_message WHERE ${OF_STREAM} AND sequence <> $4)
   )
   UPDATE stream_memory SET held = EXISTS (SELECT FROM held_message WHERE ${OF_STREAM} AND sequence <> $4) WHERE ${OF_STREAM}`,
);

const removing = statement<never>(
  'held-stream.remove',
  `DELETE FROM held_message WHERE ${OF_STREAM} AND sequence = $4`,
);

/**
 * Takes a message that is dealt with out of its stream, and lets what waited behind it go on. The caller has locked the
 * message; everybody locks the message first and then its stream.
 */
export async function takeOut(tx: Transaction, { source, topic, key }: HeldStream, sequence: number): Promise<void> {
  const name = [source, topic, key];
  await tx.query(locking, name);
  await tx.query(advancing, [...name, sequence]);
  await tx.query(removing, [...name, sequence]);
}
