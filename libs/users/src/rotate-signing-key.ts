import { Idempotency, type Attempt } from '@banyan/http';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { SigningKeys, type SigningKey } from './signing-keys';

/** Takes a new signing key into use, a few seconds from now; the old one verifies until its last token is out of date. */
export class RotateSigningKey extends Command<Pick<SigningKey, 'kid' | 'notBefore' | 'expiresAt'>> {
  constructor(readonly attempt: Attempt) {
    super();
  }
}

@CommandHandler(RotateSigningKey)
export class RotateSigningKeyHandler implements ICommandHandler<RotateSigningKey> {
  constructor(
    private readonly idempotency: Idempotency,
    private readonly signingKeys: SigningKeys,
  ) {}

  async execute({ attempt }: RotateSigningKey): Promise<Pick<SigningKey, 'kid' | 'notBefore' | 'expiresAt'>> {
    return this.idempotency.once(attempt, async (tx) => {
      const { kid, notBefore, expiresAt } = await this.signingKeys.rotate(tx);
      return { kid, notBefore, expiresAt };
    });
  }
}
