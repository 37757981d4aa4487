import { failpoint } from '@banyan/failpoints';
import type { Cause } from '@banyan/messaging';
import { HealthIndicators, inJourney } from '@banyan/telemetry';
import { Inject, Injectable, Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { Asking } from './asking';
import { journeyOf } from './cause';
import { Outcomes } from './outcomes';
import type { CaptureOutcome } from './payment';
import { OutcomeUnknown, PAYMENT_PROVIDER, type PaymentProvider, RefusedByProvider } from './payment-provider';
import { Payments, type UnsettledCapture, type UnsettledRefund } from './payments.repository';

// Waiting for an answer is cheap, and some come late or never; the others must not queue behind those.
const MOST_UNDER_WAY = 128;
const MOST_IN_MEMORY = 10_000;
// What is asked is handed over in memory; looking finds what was left behind by a process that is gone.
const LOOK_EVERY_MS = 15_000;
const LONGEST_GOODBYE_MS = 3_000;
// A provider that only stumbles has answered by then.
const USUAL_ATTEMPTS = 3;

interface Question {
  id: string;
  /** The id of the payment, or of the refund. */
  about: string;
  cause: Cause;
  /** Asks the provider and commits its answer. */
  settle(attempt: number): Promise<void>;
}

/**
 * Finds out from the provider what becomes of captures and refunds. It is asked outside any transaction, with keys of
 * ours, and a capture whose outcome is unknown is asked about before it is sent again. Everything asked stands in the
 * database, so nothing is lost with the process; several processes may ask the same without harm.
 */
@Injectable()
export class SettlePayments implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger('payments');
  private readonly asking: Asking<Question>;
  private timer: NodeJS.Timeout | undefined;
  private looking: Promise<void> = Promise.resolve();
  private noAnswerSince: Date | undefined;

  constructor(
    private readonly payments: Payments,
    private readonly outcomes: Outcomes,
    @Inject(PAYMENT_PROVIDER) private readonly provider: PaymentProvider,
    health: HealthIndicators,
  ) {
    health.add('payment-provider', () =>
      this.noAnswerSince ? { status: 'degraded', noAnswerSince: this.noAnswerSince.toISOString() } : { status: 'up' },
    );
    this.asking = new Asking<Question>({
      mostUnderWay: MOST_UNDER_WAY,
      mostWaiting: MOST_IN_MEMORY,
      ask: (question, attempt) => inJourney(journeyOf(question.cause), () => this.ask(question, attempt)),
      onFailed: (question, attempt, error) =>
        inJourney(journeyOf(question.cause), () => this.report(question.id, attempt, error)),
      onRoom: () => this.look('all'),
    });
  }

  /** Takes on captures whose command, or whose cancellation, has just been committed. */
  captures(unsettled: readonly UnsettledCapture[]): void {
    this.asking.put(unsettled.map((capture) => this.aboutCapture(capture, false)));
  }

  /** Takes on refunds that have just been committed. */
  refunds(unsettled: readonly UnsettledRefund[]): void {
    this.asking.put(unsettled.map((refund) => this.aboutRefund(refund)));
  }

  onApplicationBootstrap(): void {
    this.look('all');
    this.timer = setInterval(() => this.look('left-behind'), LOOK_EVERY_MS).unref();
  }

  // Not before the bus has stopped: until then captures are taken on here, and nobody else would ask about them for a lease.
  async onApplicationShutdown(): Promise<void> {
    clearInterval(this.timer);
    await this.asking.stop(LONGEST_GOODBYE_MS);
    await this.looking;
    await this.letGo();
    await this.provider.close();
  }

  /** Leaves to others at once what has no answer yet. */
  private async letGo(): Promise<void> {
    try {
      await this.payments.letGo(this.asking.unanswered.map(({ about }) => about));
    } catch (error) {
      this.logger.warn(
        { err: error },
        'Unsettled payments could not be let go; others ask about them in half a minute.',
      );
    }
  }

  private look(which: 'all' | 'left-behind'): void {
    this.looking = this.looking.then(() => this.takeOver(which));
  }

  /** Takes on what the database knows to be unsettled: all of it, or what nobody has asked about for a while. */
  private async takeOver(which: 'all' | 'left-behind'): Promise<void> {
    try {
      const { now, leaseEnd } = await this.payments.clock();
      const due = which === 'all' ? leaseEnd : now;
      let found: number;
      do {
        const captures = await this.payments.dueCaptures(due, this.asking.room);
        const refunds = await this.payments.dueRefunds(due, this.asking.room);
        this.asking.put(captures.map((capture) => this.aboutCapture(capture, true)));
        this.refunds(refunds);
        found = captures.length + refunds.length;
      } while (found > 0 && this.asking.room > 0);
    } catch (error) {
      this.logger.warn({ err: error }, 'Unsettled payments could not be looked for; the next look will find them.');
    }
  }

  private async ask(question: Question, attempt: number): Promise<void> {
    await question.settle(attempt);
    this.noAnswerSince = undefined;
  }

  private aboutCapture(capture: UnsettledCapture, leftBehind: boolean): Question {
    const { id, orderId, total, cause, cancelling } = capture;
    // A capture that nobody wants any more is not sent; if it is on its way already, the provider knows best.
    if (cancelling) this.asking.withdraw(id);
    return {
      id: cancelling ? `${id} (cancelling)` : id,
      about: id,
      cause,
      settle: async (attempt) => {
        await failpoint('payments.capture.before-ask');
        const outcome = await this.outcomeOf(capture, leftBehind || attempt > 1);
        await failpoint('payments.capture.after-ask');
        const refund = await this.outcomes.ofCapture({ id, orderId, total, cause, outcome });
        if (refund) this.refunds([refund]);
      },
    };
  }

  private async outcomeOf(capture: UnsettledCapture, mayHaveBeenAsked: boolean): Promise<CaptureOutcome> {
    const { id, total, token, cancelling } = capture;
    if (cancelling) return this.provider.preventCapture(id);
    const known = mayHaveBeenAsked ? await this.provider.captureOutcome(id) : null;
    if (known) return known;
    try {
      return await this.provider.capture(id, total, token);
    } catch (error) {
      if (!(error instanceof RefusedByProvider)) throw error;
      // Refused as it stands, for example with a token that is spent. Closing the key makes that certain for good.
      const outcome = await this.provider.preventCapture(id);
      return outcome.state === 'voided' ? { state: 'declined', reason: error.code } : outcome;
    }
  }

  private aboutRefund(refund: UnsettledRefund): Question {
    const { id, cause, paymentId, amount } = refund;
    return {
      id,
      about: id,
      cause,
      settle: async () => {
        await failpoint('payments.refund.before-ask');
        // Nothing but the amount of a capture is at stake, so sending it again under its key is as good as asking.
        await this.provider.refund(id, paymentId, amount);
        await failpoint('payments.refund.after-ask');
        await this.outcomes.ofRefund(refund);
      },
    };
  }

  private report(id: string, attempt: number, error: unknown): void {
    if (error instanceof RefusedByProvider) {
      this.logger.error({ err: error, id, attempt }, 'The provider refuses a refund that our books allow.');
    } else if (attempt > USUAL_ATTEMPTS) {
      if (error instanceof OutcomeUnknown) this.noAnswerSince ??= new Date();
      this.logger.warn({ err: error, id, attempt }, 'The outcome is still unknown; it is asked for again.');
    }
  }
}
