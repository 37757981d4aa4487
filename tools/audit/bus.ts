import { withinEvery, type Check, type Violation } from './check';
import { edgesOf, type Edge } from './edges';
import { pairsByKey, type Keyed } from './pairs-by-key';

/*
 * Terminology
 *   stream    one topic of one module and one key, numbered without a gap
 *   counter   the last number that a stream has given out, kept by its publisher for ever
 *   log       what is kept of the messages themselves; its oldest days are dropped
 *   memory    the last number of a stream that a subscriber has taken over
 */

// The position up to which the log's beginning is gone; 0 where it is all there.
const DROPPED = '(SELECT through FROM outbox_dropped)';

const gapless = withinEvery('outbox', {
  name: 'bus/gapless',
  holds: 'In the log every stream counts from 1 without a gap, in the order of the log.',
  // Where the beginning of the log is gone, so may be what came before a message; what came after it may not.
  broken: `
    SELECT topic || '/' || key AS subject,
           CASE WHEN before IS NULL THEN 'begins with ' || sequence
                WHEN position <= position_before THEN sequence || ' stands before ' || before
                ELSE sequence || ' follows ' || before END AS what
    FROM (
      SELECT topic, key, sequence, position, lag(sequence) OVER stream AS before, lag(position) OVER stream AS position_before
      FROM outbox WINDOW stream AS (PARTITION BY key, topic ORDER BY sequence)
    ) m
    WHERE before IS NULL AND sequence > 1 AND ${DROPPED} = 0
       OR before <> sequence - 1 AND position_before > ${DROPPED}
       OR position <= position_before`,
});

const counters = withinEvery('outbox', {
  name: 'bus/counters',
  holds: "A stream's counter is the number of its last message, as far as the log is kept.",
  broken: `
    SELECT topic || '/' || key AS subject,
           format('the counter is at %s, the log at %s', coalesce(s.last_sequence::text, 'nothing'), coalesce(l.last, 0)) AS what
    FROM stream s
    FULL JOIN (SELECT topic, key, max(sequence) AS last FROM outbox GROUP BY topic, key) l USING (topic, key)
    WHERE s.last_sequence IS DISTINCT FROM l.last AND (l.last IS NOT NULL OR ${DROPPED} = 0)`,
});

const nothingHeld = withinEvery('held_message', {
  name: 'bus/nothing-held',
  holds: 'No message is parked, waits behind a parked one, or is still being tried.',
  broken: `
    SELECT format('holds %s/%s', topic, key) AS subject,
           format('%s %s is %s%s', type, id, state, coalesce(' (' || error_code || ')', '')) AS what
    FROM held_message ORDER BY source, topic, key, sequence`,
});

const heldStreams = withinEvery('stream_memory', {
  name: 'bus/held-streams',
  holds: 'A stream is held where, and only where, one of its messages is.',
  broken: `
    SELECT format('hears %s/%s', topic, key) AS subject,
           CASE WHEN h.there THEN 'flows on though a message of it is held' ELSE 'is held for nothing' END AS what
    FROM (SELECT source, topic, key, true AS there FROM stream_memory WHERE held) m
    FULL JOIN (SELECT DISTINCT source, topic, key, true AS there FROM held_message) h USING (source, topic, key)
    WHERE m.there IS NULL OR h.there IS NULL`,
});

const nobodyBehind = {
  name: 'bus/nobody-behind',
  holds: 'Every subscriber has taken over every message that it subscribes to.',
};
const nothingInvented = {
  name: 'bus/nothing-invented',
  holds: 'No subscriber has taken over what was never sent.',
};
const withinTheLog = {
  name: 'bus/within-the-log',
  holds: 'No subscriber reads on beyond the end of the log, where it would miss what comes.',
};

interface LastOfStream extends Keyed {
  last: number;
}

const edges: Check = {
  invariants: [nobodyBehind, nothingInvented, withinTheLog],
  async *violations({ modules }) {
    for (const edge of await edgesOf(modules)) {
      const subject = `${edge.source.module} → ${edge.subscriber.module}`;
      const end = await endOfLog(edge);
      if (edge.position > end) {
        yield { invariant: withinTheLog.name, subject, what: `reads on from ${edge.position}, the log ends at ${end}` };
      }
      for (const topic of edge.topics) yield* alongTopic(edge, topic);
    }
  },
};

async function* alongTopic({ source, subscriber, complete }: Edge, topic: string): AsyncGenerator<Violation> {
  // Who began when the beginning was gone already need not know what was gone.
  const sent = source.stream<LastOfStream>(
    `SELECT key, last_sequence AS last FROM stream s
     WHERE topic = $1 AND ($2 OR EXISTS (SELECT FROM outbox o WHERE o.key = s.key AND o.topic = s.topic))
     ORDER BY ${source.byBytes('key')}`,
    [topic, complete],
  );
  const remembered = subscriber.stream<LastOfStream>(
    `SELECT key, last_sequence AS last FROM stream_memory WHERE source = $1 AND topic = $2
     ORDER BY ${subscriber.byBytes('key')}`,
    [source.module, topic],
  );
  for await (const pairs of pairsByKey(sent, remembered)) {
    for (const [key, counter, memory] of pairs) {
      const subject = `${subscriber.module} of ${topic}/${key} by ${source.module}`;
      const [last, taken] = [counter?.last ?? 0, memory?.last ?? 0];
      if (taken < last) yield { invariant: nobodyBehind.name, subject, what: `has taken over ${taken} of ${last}` };
      if (taken > last && (counter || complete)) {
        yield { invariant: nothingInvented.name, subject, what: `has taken over ${taken}, only ${last} were sent` };
      }
    }
  }
}

async function endOfLog({ source }: Edge): Promise<number> {
  const [row] = await source.rows<{ end: number }>(
    `SELECT greatest((SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM outbox_position), through) AS end FROM outbox_dropped`,
  );
  return row?.end ?? 0;
}

export const bus: readonly Check[] = [gapless, counters, nothingHeld, heldStreams, edges];
