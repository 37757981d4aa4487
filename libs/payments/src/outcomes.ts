import { failpoint } from '@banyan/failpoints';
import { Outbox, type Outgoing } from '@banyan/messaging';
import { Database, grouped, type Transaction } from '@banyan/persistence';
import { Injectable } from '@nestjs/common';
import { v7 as uuidv7 } from 'uuid';
import { paymentCancelled, paymentCaptured, paymentDeclined, paymentRefunded } from './messages';
import { cancel, type CaptureOutcome } from './payment';
import {
  type CancellationOfOrder,
  Payments,
  type SettledCapture,
  type SettledRefund,
  type UnsettledCapture,
  type UnsettledRefund,
} from './payments.repository';

type CaptureFound = Pick<UnsettledCapture, 'id' | 'orderId' | 'total' | 'cause'> & { outcome: CaptureOutcome };

/** Commits what the provider has said, with the messages that tell of it; outcomes found at the same time commit together. */
@Injectable()
export class Outcomes {
  constructor(
    private readonly database: Database,
    private readonly payments: Payments,
    private readonly outbox: Outbox,
  ) {}

  /**
   * Settles a payment, once however often it is told. Answers the refund that has to be asked for, where a cancellation was
   * waiting for the outcome and the money had been taken.
   */
  readonly ofCapture = grouped<CaptureFound, UnsettledRefund | undefined>({
    limit: 200,
    inFlight: 2,
    flush: async (found) => {
      const told = await this.settleAndTell(found);
      const rest = found.filter(({ id }) => !told.has(id));
      const refunds = rest.length > 0 ? await this.settleCaptures(rest) : undefined;
      return found.map(({ id }) => refunds?.get(id));
    },
  });

  /** Writes down that a refund took place, once however often it is told. */
  readonly ofRefund = grouped<UnsettledRefund, void>({
    limit: 50,
    inFlight: 1,
    flush: (refunds) => this.settleRefunds(refunds),
  });

  /** Settles those that nobody has cancelled meanwhile; answers their ids. */
  private async settleAndTell(found: CaptureFound[]): Promise<Set<string>> {
    const usual = found.filter(({ outcome }) => outcome.state !== 'voided');
    if (usual.length === 0) return new Set();
    const messages = this.outbox.prepare(usual.flatMap(announcement));
    await failpoint('payments.outcome.before-commit');
    const { settled, places } = await this.payments.settleAndTell(usual, messages);
    await failpoint('payments.outcome.after-commit');
    this.outbox.handOver(messages, places);
    return settled;
  }

  /** Settles whatever they have become, and goes on with the cancellations that waited for it; the refunds are by payment. */
  private async settleCaptures(found: CaptureFound[]): Promise<Map<string, UnsettledRefund>> {
    const refunds = await this.database.transaction(async (tx) => {
      const settled = await this.payments.settle(tx, found);
      const cancelled = await this.settleCancelled(
        tx,
        settled.filter(({ cancelling }) => cancelling),
      );
      await this.outbox.publish(tx, [...settled.flatMap(announcement), ...cancelled.answers]);
      await failpoint('payments.outcome.before-commit');
      return cancelled.refunds;
    });
    await failpoint('payments.outcome.after-commit');
    return refunds;
  }

  /** Carries out the cancellations that were waiting for these outcomes; the refunds are by payment. */
  private async settleCancelled(
    tx: Transaction,
    settled: SettledCapture[],
  ): Promise<{ answers: Outgoing[]; refunds: Map<string, UnsettledRefund> }> {
    const answers: Outgoing[] = [];
    const refunds = new Map<string, UnsettledRefund>();
    if (settled.length === 0) return { answers, refunds };
    const cancellations = await this.payments.lockCancellations(
      tx,
      settled.map(({ orderId }) => orderId),
    );
    for (const { id, orderId, total, outcome } of settled) {
      const { cause } = cancellations.get(orderId)!;
      const decision = cancel({ total, ...(outcome.state === 'captured' ? { ...outcome, refunded: 0 } : outcome) });
      if (decision.act === 'answer') {
        const answered = await this.payments.answerCancellation(tx, orderId, decision.refunded);
        answers.push(...answersTo(answered));
      } else if (decision.act === 'give-back') {
        const refund = { id: uuidv7(), paymentId: id, amount: decision.amount, cause };
        await this.payments.setAside(tx, refund, 'cancellation');
        refunds.set(id, refund);
      }
    }
    return { answers, refunds };
  }

  private async settleRefunds(refunds: UnsettledRefund[]): Promise<void[]> {
    await this.database.transaction(async (tx) => {
      const messages: Outgoing[] = [];
      // Payments are locked in the order of their ids everywhere, so that nobody waits in a circle.
      for (const { id } of refunds.toSorted((a, b) => (a.paymentId < b.paymentId ? -1 : 1))) {
        const settled = await this.payments.settleRefund(tx, id);
        if (settled?.purpose === 'cancellation') {
          messages.push(...answersTo(await this.payments.answerCancellation(tx, settled.orderId, settled.amount)));
        } else if (settled) {
          messages.push(refundAnnouncement(settled));
        }
      }
      await this.outbox.publish(tx, messages);
      await failpoint('payments.refund.before-settled');
    });
    await failpoint('payments.refund.after-settled');
    return refunds.map(() => undefined);
  }
}

/** One answer for each command that asked for the cancellation. */
export function answersTo(cancellation: CancellationOfOrder | undefined): Outgoing[] {
  if (!cancellation?.refunded) return [];
  const { orderId, askedBy, refunded, cause } = cancellation;
  return askedBy.map((id) => paymentCancelled({ orderId, refunded }, { ...cause, id }));
}

function announcement({ id, orderId, total, outcome, cause }: CaptureFound): Outgoing[] {
  switch (outcome.state) {
    case 'captured':
      return [paymentCaptured({ orderId, paymentId: id, total }, cause)];
    case 'declined':
      return [paymentDeclined({ orderId, reason: outcome.reason }, cause)];
    case 'voided':
      // What is told of it is the answer to the cancellation.
      return [];
    default:
      return outcome satisfies never;
  }
}

function refundAnnouncement({ id, paymentId, orderId, amount, remaining, cause }: SettledRefund): Outgoing {
  return paymentRefunded({ orderId, paymentId, refundId: id, amount, remaining }, cause);
}
