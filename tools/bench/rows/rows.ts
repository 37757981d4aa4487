import type { Row } from '../row';
import { backlog } from './backlog';
import { commitToHandler } from './commit-to-handler';
import { commitToOtherProcess } from './commit-to-other-process';
import { gateway } from './gateway';
import { idle } from './idle';
import { memory } from './memory';
import { ordersLatency } from './orders-latency';
import { ordersOverKafka } from './orders-over-kafka';
import { ordersThroughput } from './orders-throughput';
import { ordersToConfirmed } from './orders-to-confirmed';
import { outboxToHandled } from './outbox-to-handled';
import { outboxToKafka } from './outbox-to-kafka';
import { placedToConfirmed } from './placed-to-confirmed';
import { start } from './start';

/** Every row, in the order in which they are measured. */
export const rows: readonly Row[] = [
  ordersThroughput,
  ordersLatency,
  placedToConfirmed,
  ordersToConfirmed,
  ordersOverKafka,
  outboxToHandled,
  outboxToKafka,
  commitToHandler,
  commitToOtherProcess,
  backlog,
  gateway,
  start,
  memory,
  idle,
];
