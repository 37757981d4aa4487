/**
 * NAIVE, a program of the bench: `POST /orders` as a Nest team would ordinarily write it, and well: the Express adapter,
 * TypeORM entities saved in one transaction per request, an outbox that a relay polls every second. Checks tokens and
 * bodies as the product does.
 */
import 'reflect-metadata';
import { EventEmitter } from 'node:events';
import {
  Body,
  type CanActivate,
  Controller,
  type ExecutionContext,
  Headers,
  Inject,
  Injectable,
  Module,
  type OnApplicationBootstrap,
  Post,
  Req,
  StandardSchemaValidationPipe,
  UnauthorizedException,
  UnprocessableEntityException,
  UseGuards,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { createLocalJWKSet, jwtVerify } from 'jose';
import { DataSource, In, IsNull, type EntityManager } from 'typeorm';
import { v7 as uuidv7 } from 'uuid';
import { z } from 'zod';
import { answerQuestions } from '../answering';
import { entities, OrderEntity, OrderItemEntity, OutboxMessageEntity, ProductEntity } from './ordinary-entities';

const RELAY_EVERY_MS = 1_000;
const RELAYED_TOGETHER = 500;

const newOrder = z.strictObject({
  items: z
    .array(z.strictObject({ productId: z.uuid(), quantity: z.int().min(1).max(100_000) }))
    .min(1)
    .max(2000),
  payment: z.strictObject({ token: z.string() }),
});
type NewOrder = z.infer<typeof newOrder>;

interface SignedIn {
  headers: Record<string, string | undefined>;
  customerId: string;
}

@Injectable()
class TokenGuard implements CanActivate {
  private readonly keys = createLocalJWKSet(JSON.parse(process.env['PUBLIC_KEYS'] as string));

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const request = context.switchToHttp().getRequest<SignedIn>();
    const token = request.headers['authorization']?.slice('Bearer '.length) ?? '';
    try {
      const { payload } = await jwtVerify(token, this.keys, { issuer: 'banyan', audience: 'banyan-api' });
      request.customerId = payload.sub as string;
      return true;
    } catch {
      throw new UnauthorizedException();
    }
  }
}

@Injectable()
class OrdersService {
  constructor(@Inject(DataSource) private readonly dataSource: DataSource) {}

  place(customerId: string, idempotencyKey: string, wish: NewOrder): Promise<OrderEntity> {
    return this.dataSource.transaction(async (manager) => {
      const earlier = await manager.findOne(OrderEntity, {
        where: { customerId, idempotencyKey },
        relations: { items: true },
      });
      if (earlier) return earlier;
      const order = await manager.save(await this.priced(manager, customerId, idempotencyKey, wish));
      const lines = wish.items;
      const said = [
        { type: 'order-placed', payload: { orderId: order.id, customerId, lines, total: order.totalAmount } },
        { type: 'reserve-stock', payload: { orderId: order.id, lines } },
      ];
      await manager.save(said.map((message) => manager.create(OutboxMessageEntity, { ...message, key: order.id })));
      return order;
    });
  }

  private async priced(
    manager: EntityManager,
    customerId: string,
    idempotencyKey: string,
    { items, payment }: NewOrder,
  ): Promise<OrderEntity> {
    const products = await manager.findBy(ProductEntity, { id: In(items.map(({ productId }) => productId)) });
    const byId = new Map(products.map((product) => [product.id, product]));
    const lines = items.map(({ productId, quantity }) => {
      const product = byId.get(productId);
      if (!product) throw new UnprocessableEntityException('unknown-product');
      const { sku, name, priceAmount: unitAmount } = product;
      return manager.create(OrderItemEntity, { productId, sku, name, quantity, unitAmount });
    });
    const totalAmount = lines.reduce((sum, { quantity, unitAmount }) => sum + quantity * unitAmount, 0);
    return manager.create(OrderEntity, {
      ...{ id: uuidv7(), customerId, idempotencyKey, status: 'pending', paymentToken: payment.token },
      ...{ items: lines, totalAmount, totalCurrency: 'GBP' },
    });
  }
}

@Controller('api/v1/orders')
class OrdersController {
  constructor(@Inject(OrdersService) private readonly orders: OrdersService) {}

  @Post()
  @UseGuards(TokenGuard)
  async place(
    @Body({ schema: newOrder }) wish: NewOrder,
    @Headers('idempotency-key') key: string,
    @Req() { customerId }: SignedIn,
  ) {
    const { id, status, items, totalAmount, totalCurrency, placedAt } = await this.orders.place(customerId, key, wish);
    const shown = items.map(({ productId, sku, name, quantity, unitAmount }) => ({
      ...{ productId, sku, name, quantity },
      unitPrice: { amount: unitAmount, currency: totalCurrency },
    }));
    return { id, customerId, status, items: shown, total: { amount: totalAmount, currency: totalCurrency }, placedAt };
  }
}

/** Hands on what is in the outbox, in order, and marks it, a batch at a time. */
@Injectable()
class Relay implements OnApplicationBootstrap {
  private readonly listeners = new EventEmitter();

  constructor(@Inject(DataSource) private readonly dataSource: DataSource) {}

  onApplicationBootstrap(): void {
    setInterval(() => void this.relay(), RELAY_EVERY_MS).unref();
  }

  private async relay(): Promise<void> {
    let relayed: number;
    do {
      relayed = await this.dataSource.transaction(async (manager) => {
        const messages = await manager.find(OutboxMessageEntity, {
          where: { sentAt: IsNull() },
          order: { id: 'ASC' },
          take: RELAYED_TOGETHER,
        });
        for (const { type, payload } of messages) this.listeners.emit(type, payload);
        const ids = messages.map(({ id }) => id);
        if (ids.length > 0) await manager.update(OutboxMessageEntity, { id: In(ids) }, { sentAt: new Date() });
        return ids.length;
      });
    } while (relayed === RELAYED_TOGETHER);
  }
}

@Module({
  controllers: [OrdersController],
  providers: [
    {
      provide: DataSource,
      useFactory: () =>
        new DataSource({
          type: 'postgres',
          url: process.env['DATABASE_URL'] as string,
          entities,
          synchronize: true,
        }).initialize(),
    },
    OrdersService,
    TokenGuard,
    Relay,
  ],
})
class OrdinaryShop {}

async function listen(): Promise<string> {
  const app = await NestFactory.create(OrdinaryShop, new ExpressAdapter(), { logger: ['error', 'warn'] });
  app.useGlobalPipes(new StandardSchemaValidationPipe());
  const products = JSON.parse(process.env['PRODUCTS'] as string);
  await app.get(DataSource).getRepository(ProductEntity).save(products);
  await app.listen(0, '127.0.0.1');
  return (await app.getUrl()).replace('[::1]', '127.0.0.1');
}

const listening = listen();
answerQuestions({ url: () => listening });
