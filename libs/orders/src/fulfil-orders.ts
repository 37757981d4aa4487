import { SETTINGS, type Settings } from '@banyan/config';
import { Bus, Handles, Outbox, type Handling, type Received } from '@banyan/messaging';
import { Database, type Transaction } from '@banyan/persistence';
import { Deadlines, Processes, type Change, type Input } from '@banyan/process-manager';
import {
  Controller,
  Inject,
  Injectable,
  type OnApplicationBootstrap,
  type BeforeApplicationShutdown,
} from '@nestjs/common';
import { capturePayment } from './messages';
import {
  cancelReasonOf,
  orderFulfilment,
  orderStatusOf,
  type Fulfilment,
  type FulfilmentHeard,
} from './order-fulfilment';
import { OrdersRepository } from './orders.repository';
import { fulfilmentMessages, paymentCancelled, paymentDeclined, stockCommitted } from './subscriptions';

const SPENT = 'spent';
const DAY_MS = 86_400_000;

/** The fulfilments of all orders: what one hears changes the process, its order and what is sent, in one transaction. */
@Injectable()
export class Fulfilments implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly processes: Processes<Fulfilment, FulfilmentHeard>;
  private readonly deadlines: Deadlines<Fulfilment, FulfilmentHeard>;

  constructor(
    @Inject(Database) database: Database,
    @Inject(Bus) bus: Bus,
    @Inject(Outbox) outbox: Outbox,
    @Inject(SETTINGS) { fulfilment: { answerDeadlineMs } }: Settings,
    private readonly orders: OrdersRepository,
  ) {
    this.processes = new Processes(orderFulfilment(answerDeadlineMs), database, outbox);
    this.deadlines = new Deadlines(this.processes, database, bus, answerDeadlineMs, (tx, changes) =>
      this.changeOrders(tx, changes),
    );
  }

  onApplicationBootstrap(): void {
    this.deadlines.start();
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.deadlines.stop();
  }

  async hear(tx: Transaction, inputs: readonly Input<FulfilmentHeard>[]): Promise<void> {
    await this.processes.hear(tx, inputs, (changes) => this.changeOrders(tx, changes));
  }

  private changeOrders(tx: Transaction, changes: readonly Change<Fulfilment>[]): void {
    const moved = changes.filter(({ before, after }) => orderStatusOf(before) !== orderStatusOf(after));
    this.orders.changeStatus(
      tx,
      moved.map(({ key, after }) => ({ id: key, status: orderStatusOf(after), cancelReason: cancelReasonOf(after) })),
      new Date(),
    );
  }
}

/** Hears what inventory and payments say of orders. */
@Controller()
export class FulfilOrders {
  constructor(
    private readonly fulfilments: Fulfilments,
    private readonly outbox: Outbox,
  ) {}

  @Handles(fulfilmentMessages)
  async handle(messages: Received<(typeof fulfilmentMessages)[number]>[], { tx }: Handling): Promise<void> {
    const inputs = messages.map((message) => ({
      key: message.data.orderId,
      heard: { type: message.type } as FulfilmentHeard,
      name: message.type,
      at: message.time,
      because: message,
    }));
    await Promise.all([this.fulfilments.hear(tx, inputs), this.forgetSpentTokens(tx, messages)]);
  }

  /**
   * Once payments has answered, the token has been used, or never will be, and the log need not keep it. Where the answer is
   * that the money was taken, the customer is told first, and the token goes with the next step.
   */
  private async forgetSpentTokens(
    tx: Transaction,
    messages: readonly Received<(typeof fulfilmentMessages)[number]>[],
  ): Promise<void> {
    const answers: string[] = [stockCommitted.type, paymentDeclined.type, paymentCancelled.type];
    const settled = messages.filter(({ type }) => answers.includes(type)).map(({ data }) => data.orderId);
    if (settled.length === 0) return;
    const oldest = Math.min(...settled.map(placedAt));
    await this.outbox.scrub(tx, capturePayment, settled, ['paymentToken'], SPENT, new Date(oldest - DAY_MS));
  }
}

/** Ids of orders are UUIDs of version 7, which begin with their time. */
function placedAt(orderId: string): number {
  return Number.parseInt(orderId.replaceAll('-', '').slice(0, 12), 16);
}
