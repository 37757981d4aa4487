import {
  command,
  connectBus,
  event,
  Handles,
  hears,
  MessagingModule,
  messagingMigrations,
  Outbox,
} from '@banyan/messaging';
import type { Settings } from '@banyan/config';
import { createHttpApp } from '@banyan/http';
import { Database, PersistenceModule } from '@banyan/persistence';
import { Controller, Injectable, Module } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { PaymentsModule } from '../src';
import * as announced from '../src/messages';
import * as accepted from '../src/subscriptions';

/*
 * Stands for all that payments talks to: asks for payments as orders does, announces what users does, and hears
 * everything that payments announces.
 */

const byOrder = (data: { orderId: string }) => data.orderId;
export const capturePayment = command({ ...accepted.capturePayment, key: byOrder });
export const cancelPayment = command({ ...accepted.cancelPayment, key: byOrder });
export const signingKeyPublished = event({ ...accepted.signingKeyPublished, key: ({ kid }) => kid });
export const userErased = event({ ...accepted.userErased, key: ({ userId }) => userId });

const heard = Object.values(announced).map((definition) =>
  hears({ ...(definition as typeof announced.paymentCaptured), subscriber: 'shop' }),
);

const persistence = PersistenceModule.forModule({ module: 'shop', migrations: [...messagingMigrations] });

@Controller()
class Listens {
  @Handles(heard)
  async handle(): Promise<void> {}
}

/** What the tests reach the rest of the shop by. */
@Injectable()
export class RestOfTheShop {
  constructor(
    readonly database: Database,
    readonly outbox: Outbox,
  ) {}
}

@Module({
  imports: [
    persistence,
    MessagingModule.forModule({
      module: 'shop',
      persistence,
      publishes: [capturePayment, cancelPayment, signingKeyPublished, userErased],
      hears: heard,
    }),
  ],
  controllers: [Listens],
  providers: [RestOfTheShop],
})
class RestOfTheShopModule {}

/** Payments among the rest of the shop; `onTheBus: false` is an instance that hears nothing, only settles. */
export async function startShop(settings: Settings, { onTheBus = true } = {}): Promise<NestFastifyApplication> {
  const app = await createHttpApp(settings, [RestOfTheShopModule, PaymentsModule]);
  if (onTheBus) {
    connectBus(app);
    await app.startAllMicroservices();
  }
  return app.init();
}
