import {
  Access,
  Answers,
  CurrentAttempt,
  CurrentUser,
  idSchema,
  moneySchema,
  page,
  pageOf,
  pageQuery,
  Refuses,
  TakesIdempotencyKey,
  timeSchema,
  type Attempt,
  type Caller,
  type Page,
} from '@banyan/http';
import { Body, Controller, Get, Param, Post, Query } from '@nestjs/common';
import { CommandBus, QueryBus } from '@nestjs/cqrs';
import { ApiBody, ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import { AmountExceedsCapture, CurrencyMismatch, PaymentNotFound, PaymentNotRefundable } from './errors';
import { FindPayments } from './find-payments';
import { GetPayment } from './get-payment';
import { RefundPayment, type ShownRefund } from './refund-payment';
import type { ShownPayment } from './shown-payment';

const payment = z
  .strictObject({
    id: idSchema,
    orderId: idSchema,
    amount: moneySchema,
    refunded: moneySchema.meta({ description: 'Given back, or set aside to be.' }),
    status: z.enum(['pending', 'captured', 'declined', 'refunded', 'partially-refunded']),
    provider: z.string(),
    createdAt: timeSchema,
    updatedAt: timeSchema,
  })
  .meta({ id: 'Payment' });
const payments = pageOf(payment, 'Payments');
const refund = z
  .strictObject({ id: idSchema, paymentId: idSchema, amount: moneySchema, createdAt: timeSchema })
  .meta({ id: 'Refund' });

const path = z.strictObject({ id: idSchema });
const search = z.strictObject({ orderId: idSchema, ...pageQuery(idSchema) });
const newRefund = z
  .strictObject({
    amount: z
      .strictObject({ ...moneySchema.shape, amount: z.int().min(1) })
      .optional()
      .meta({ description: 'All that is left of the payment, if not given.' }),
  })
  .optional()
  .meta({ id: 'NewRefund', examples: [{ amount: { amount: 550, currency: 'GBP' } }] });

@ApiTags('payments')
@Controller('payments')
export class PaymentsController {
  constructor(
    private readonly commands: CommandBus,
    private readonly queries: QueryBus,
  ) {}

  @Get()
  @Access('user')
  @Answers(200, payments)
  async find(
    @Query({ schema: search }) { orderId, cursor, limit }: z.infer<typeof search>,
    @CurrentUser() caller: Caller,
  ): Promise<Page<ShownPayment>> {
    const found = await this.queries.execute(new FindPayments(orderId, caller));
    const rest = cursor === undefined ? found : found.filter(({ id }) => id > cursor);
    return page(rest.slice(0, limit + 1), limit, ({ id }) => id);
  }

  @Get(':id')
  @Access('user')
  @Answers(200, payment)
  @Refuses({ 404: [PaymentNotFound] })
  async get(
    @Param({ schema: path }) { id }: z.infer<typeof path>,
    @CurrentUser() caller: Caller,
  ): Promise<ShownPayment> {
    return this.queries.execute(new GetPayment(id, caller));
  }

  @Post(':id/refunds')
  @Access('admin')
  @TakesIdempotencyKey('required')
  @ApiBody({ required: false })
  @Answers(201, refund)
  @Refuses({ 404: [PaymentNotFound], 409: [PaymentNotRefundable], 422: [AmountExceedsCapture, CurrencyMismatch] })
  async refund(
    @Param({ schema: path }) { id }: z.infer<typeof path>,
    @Body({ schema: newRefund }) body: z.infer<typeof newRefund>,
    @CurrentAttempt() attempt: Attempt,
  ): Promise<ShownRefund> {
    return this.commands.execute(new RefundPayment(id, body?.amount, attempt));
  }
}
