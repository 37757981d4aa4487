/** How much of everything is measured. A quick run has the same rows and is rougher. */
export interface Plan {
  /** Interleaved rounds of each row. */
  rounds: number;
  /** Seconds of load per side and round, after a warm-up. */
  loadSeconds: number;
  warmUpSeconds: number;
  /** Requests of one client, one after another. */
  loneRequests: number;
  /** Orders that are followed until they are confirmed, one after another. */
  followedOrders: number;
  /** Orders that wait to be fulfilled when the clock starts. */
  waitingOrders: number;
  /** The same for the reference, which takes one after another. */
  waitingOrdersByHand: number;
  /** Events that wait in the log when the clock starts. */
  waitingEvents: number;
  /** Messages sent one after another, each once the one before it has been handled. */
  loneMessages: number;
  /** Rows of the long backlog, and how many of them are handled under the clock. */
  longBacklog: number;
  backlogSample: number;
  /** Seconds that an idle shop is listened to. */
  idleSeconds: number;
}

export const FULL: Plan = {
  rounds: 3,
  loadSeconds: 8,
  warmUpSeconds: 3,
  loneRequests: 1_000,
  followedOrders: 200,
  waitingOrders: 20_000,
  waitingOrdersByHand: 1_500,
  waitingEvents: 100_000,
  loneMessages: 1_000,
  longBacklog: 1_000_000,
  backlogSample: 50_000,
  idleSeconds: 60,
};

export const QUICK: Plan = {
  rounds: 3,
  loadSeconds: 1,
  warmUpSeconds: 1,
  loneRequests: 100,
  followedOrders: 30,
  waitingOrders: 2_000,
  waitingOrdersByHand: 200,
  waitingEvents: 10_000,
  loneMessages: 200,
  longBacklog: 100_000,
  backlogSample: 5_000,
  idleSeconds: 10,
};
