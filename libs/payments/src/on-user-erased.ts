import { Erasures, Idempotency } from '@banyan/http';
import { Handles, type Handling, type Received } from '@banyan/messaging';
import { Controller } from '@nestjs/common';
import { userErased } from './subscriptions';

/** Refuses an erased user's tokens. Payments stay, under an id that says nothing of the person any more. */
@Controller()
export class OnUserErased {
  constructor(
    private readonly erasures: Erasures,
    private readonly idempotency: Idempotency,
  ) {}

  @Handles(userErased, { overtakes: true })
  async handle(messages: Received<typeof userErased>[], { tx }: Handling): Promise<void> {
    for (const { data } of messages) {
      await this.erasures.record(tx, data.userId);
      await this.idempotency.scrub(tx, data.userId);
    }
  }
}
