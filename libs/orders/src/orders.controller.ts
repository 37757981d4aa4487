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
import { Body, Controller, Get, Param, Post, Query, Res } from '@nestjs/common';
import { CommandBus, QueryBus } from '@nestjs/cqrs';
import { ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { CancelOrder } from './cancel-order';
import {
  AmountTooLarge,
  CurrencyMismatch,
  OrderAlreadyCancelled,
  OrderNotFound,
  Forbidden,
  UnknownProduct,
} from './errors';
import { GetOrder } from './get-order';
import { ListOrders } from './list-orders';
import { cancelReasons, orderStatuses } from './order';
import { OrderHistory, type HistoryItem } from './order-history';
import { paymentTokens } from './payment-token';
import { PlaceOrder } from './place-order';
import { show, type ShownOrder } from './shown-order';

const order = z
  .strictObject({
    id: idSchema,
    customerId: idSchema,
    customerName: z.string().nullable().meta({ description: 'Null until heard of, and after erasure.' }),
    status: z.enum(orderStatuses).meta({ description: 'Tolerate values that are not listed here.' }),
    cancelReason: z.enum(cancelReasons).nullable(),
    items: z.array(
      z.strictObject({
        productId: idSchema,
        sku: z.string(),
        name: z.string(),
        quantity: z.int(),
        unitPrice: moneySchema,
      }),
    ),
    total: moneySchema,
    placedAt: timeSchema,
    updatedAt: timeSchema,
  })
  .meta({ id: 'Order' });
const orders = pageOf(order, 'Orders');
const history = z
  .strictObject({
    items: z.array(
      z.strictObject({
        at: timeSchema,
        type: z.string().meta({ description: 'The wire name of the message that told of it.' }),
        summary: z.string(),
        messageId: idSchema,
      }),
    ),
  })
  .meta({ id: 'OrderHistory' });

const path = z.strictObject({ id: idSchema });
const newOrder = z
  .strictObject({
    items: z
      .array(z.strictObject({ productId: idSchema.toLowerCase(), quantity: z.int().min(1).max(100_000) }))
      .min(1)
      .max(2000)
      .meta({ description: 'The same product twice adds up.' }),
    payment: z.strictObject({ token: z.enum(paymentTokens) }),
  })
  .meta({ id: 'NewOrder' });
const cancellation = z.strictObject({ reason: z.string().max(500).optional() }).meta({ id: 'Cancellation' });
const listing = z.strictObject({
  status: z.enum(orderStatuses).optional(),
  customerId: idSchema.optional().meta({ description: 'For admins.' }),
  ...pageQuery(idSchema),
});

@ApiTags('orders')
@Controller('orders')
export class OrdersController {
  constructor(
    private readonly commands: CommandBus,
    private readonly queries: QueryBus,
  ) {}

  @Post()
  @Access('customer')
  @TakesIdempotencyKey('required')
  @Answers(201, order)
  @Refuses({ 422: [UnknownProduct, CurrencyMismatch, AmountTooLarge] })
  async place(
    @Body({ schema: newOrder }) { items, payment }: z.infer<typeof newOrder>,
    @CurrentAttempt() attempt: Attempt,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ShownOrder> {
    const placed = await this.commands.execute(new PlaceOrder(items, payment.token, attempt));
    void reply.header('Location', `/api/v1/orders/${placed.id}`);
    return show(placed);
  }

  @Get()
  @Access('user')
  @Answers(200, orders)
  @Refuses({ 403: [Forbidden] })
  async list(
    @Query({ schema: listing }) { status, customerId, cursor, limit }: z.infer<typeof listing>,
    @CurrentUser() caller: Caller,
  ): Promise<Page<ShownOrder>> {
    const filter = { status, customerId, before: cursor, limit: limit + 1 };
    const found = await this.queries.execute(new ListOrders(caller, filter));
    return page(found.map(show), limit, ({ id }) => id);
  }

  @Get(':id')
  @Access('user')
  @Answers(200, order)
  @Refuses({ 404: [OrderNotFound] })
  async get(@Param({ schema: path }) { id }: z.infer<typeof path>, @CurrentUser() caller: Caller): Promise<ShownOrder> {
    return show(await this.queries.execute(new GetOrder(id, caller)));
  }

  @Post(':id/cancellation')
  @Access('user')
  @TakesIdempotencyKey('required')
  @Answers(202, order)
  @Refuses({ 404: [OrderNotFound], 409: [OrderAlreadyCancelled] })
  async cancel(
    @Param({ schema: path }) { id }: z.infer<typeof path>,
    @Body({ schema: cancellation }) { reason }: z.infer<typeof cancellation>,
    @CurrentUser() caller: Caller,
    @CurrentAttempt() attempt: Attempt,
  ): Promise<ShownOrder> {
    return this.commands.execute(new CancelOrder(id, reason, caller, attempt));
  }

  @Get(':id/history')
  @Access('user')
  @Answers(200, history)
  @Refuses({ 404: [OrderNotFound] })
  async history(
    @Param({ schema: path }) { id }: z.infer<typeof path>,
    @CurrentUser() caller: Caller,
  ): Promise<{ items: HistoryItem[] }> {
    return { items: await this.queries.execute(new OrderHistory(id, caller)) };
  }
}
