import type { Caller } from '@banyan/http';
import { type IQueryHandler, Query, QueryHandler } from '@nestjs/cqrs';
import { PaymentNotFound } from './errors';
import { Payments } from './payments.repository';
import { shown, type ShownPayment } from './shown-payment';

/** One payment of the caller's; an admin sees everybody's. Fails with `PaymentNotFound`, also for another's. */
export class GetPayment extends Query<ShownPayment> {
  constructor(
    readonly paymentId: string,
    readonly caller: Caller,
  ) {
    super();
  }
}

@QueryHandler(GetPayment)
export class GetPaymentHandler implements IQueryHandler<GetPayment> {
  constructor(private readonly payments: Payments) {}

  async execute({ paymentId, caller }: GetPayment): Promise<ShownPayment> {
    const payment = await this.payments.byId(paymentId);
    if (!payment || !maySee(caller, payment)) throw new PaymentNotFound(paymentId);
    return shown(payment);
  }
}

export function maySee(caller: Caller, { customerId }: { customerId: string }): boolean {
  return customerId === caller.id || caller.roles.includes('admin');
}
