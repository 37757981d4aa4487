import type { CaptureOutcome, Money } from './payment';

/** The provider could not be asked, or its answer did not come: whatever was asked for may have been done or not. */
export class OutcomeUnknown extends Error {
  constructor(cause: unknown) {
    super('The payment provider gave no usable answer.', { cause });
  }
}

/** The provider will never do this, and did not. */
export class RefusedByProvider extends Error {
  constructor(
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

/**
 * Whoever moves the money. Every request carries a key of ours, and the same key moves money once however often it is
 * sent. Every call may throw OutcomeUnknown; what is said here is known for certain.
 */
export interface PaymentProvider {
  /** The name that payments show, for example `simulated`. */
  readonly name: string;
  /** Takes the money. Throws RefusedByProvider where the request itself is no good, for example for a spent token. */
  capture(key: string, total: Money, token: string): Promise<CaptureOutcome>;
  /** What became of a capture; null when nothing was taken under the key, which says nothing of later. */
  captureOutcome(key: string): Promise<CaptureOutcome | null>;
  /** Makes a capture that has not taken place impossible, also one that is on its way; else tells what it became. */
  preventCapture(key: string): Promise<CaptureOutcome>;
  /** Gives back part of a capture. Throws RefusedByProvider where less than that is left. */
  refund(key: string, captureKey: string, amount: Money): Promise<void>;
  close(): Promise<void>;
}

/** Injects the PaymentProvider. */
export const PAYMENT_PROVIDER = Symbol('PAYMENT_PROVIDER');
