import type { Caller } from '@banyan/http';
import { type IQueryHandler, Query, QueryHandler } from '@nestjs/cqrs';
import { maySee } from './get-payment';
import { Payments } from './payments.repository';
import { shown, type ShownPayment } from './shown-payment';

/** The payments of an order, as far as the caller may see them. */
export class FindPayments extends Query<ShownPayment[]> {
  constructor(
    readonly orderId: string,
    readonly caller: Caller,
  ) {
    super();
  }
}

@QueryHandler(FindPayments)
export class FindPaymentsHandler implements IQueryHandler<FindPayments> {
  constructor(private readonly payments: Payments) {}

  async execute({ orderId, caller }: FindPayments): Promise<ShownPayment[]> {
    const payments = await this.payments.byOrder(orderId);
    return payments.filter((payment) => maySee(caller, payment)).map(shown);
  }
}
