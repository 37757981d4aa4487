import type { Row } from '../row';
import { backlog } from './backlog';
import { commitToHandler } from './commit-to-handler';
import { gateway } from './gateway';
import { idle } from './idle';
import { memory } from './memory';
import { ordersLatency } from './orders-latency';
import { ordersThroughput } from './orders-throughput';
import { ordersToConfirmed } from './orders-to-confirmed';
import { outboxToHandled } from './outbox-to-handled';
import { placedToConfirmed } from './placed-to-confirmed';
import { start } from './start';

/** Every row, in the order in which they are measured. */
export const rows: readonly Row[] = [
  ordersThroughput,
  ordersLatency,
  placedToConfirmed,
  ordersToConfirmed,
  outboxToHandled,
  commitToHandler,
  backlog,
  gateway,
  start,
  memory,
  idle,
];
