import { event, hears } from '@banyan/messaging';
import { z } from 'zod';

/*
 * A domain of the bench's own, for rows about the bus alone: a clock announces ticks, and a listener writes each down once.
 *
 * Terminology
 *   tower   the key: the ticks of one tower stay in order
 */

const tick = { tower: 'tower-1', n: 1 };
const schema = z.object({ tower: z.string(), n: z.int() });

export const ticked = event({ type: 'clock.ticked.v1', key: ({ tower }) => tower, schema, example: tick });
export const heardTick = hears({
  subscriber: 'listener',
  kind: 'event',
  type: 'clock.ticked.v1',
  schema,
  example: tick,
});
