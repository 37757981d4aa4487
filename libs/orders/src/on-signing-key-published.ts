import { VerificationKeys } from '@banyan/http';
import { Handles, type Handling, type Received } from '@banyan/messaging';
import { Controller } from '@nestjs/common';
import { signingKeyPublished } from './subscriptions';

/** Keeps the keys that access tokens are signed with, so that orders checks tokens without asking users. */
@Controller()
export class OnSigningKeyPublished {
  constructor(private readonly keys: VerificationKeys) {}

  @Handles(signingKeyPublished)
  async handle(messages: Received<typeof signingKeyPublished>[], { tx }: Handling): Promise<void> {
    for (const { data } of messages) {
      const { kid, publicKey, notBefore, expiresAt } = data;
      await this.keys.accept(tx, { kid, publicKey, notBefore: new Date(notBefore), expiresAt: new Date(expiresAt) });
    }
  }
}
