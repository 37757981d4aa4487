import { Access, Answers, CurrentAttempt, TakesIdempotencyKey, timeSchema, type Attempt } from '@banyan/http';
import { Controller, Get, Header, Post } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import { RotateSigningKey } from './rotate-signing-key';
import { SigningKeys } from './signing-keys';

const jwks = z
  .strictObject({
    keys: z.array(
      z.strictObject({
        kty: z.literal('EC'),
        crv: z.literal('P-256'),
        x: z.string(),
        y: z.string(),
        kid: z.string(),
        alg: z.literal('ES256'),
        use: z.literal('sig'),
      }),
    ),
  })
  .meta({ id: 'JsonWebKeySet' });
const signingKey = z
  .strictObject({
    kid: z.string(),
    notBefore: timeSchema.meta({ description: 'When it begins to sign.' }),
    expiresAt: timeSchema.meta({ description: 'When it no longer verifies, unless another key takes over earlier.' }),
  })
  .meta({ id: 'SigningKey' });

@ApiTags('users')
@Controller()
export class SigningKeysController {
  constructor(
    private readonly commands: CommandBus,
    private readonly signingKeys: SigningKeys,
  ) {}

  @Get('.well-known/jwks.json')
  @ApiOperation({ summary: 'The keys that access tokens are signed with' })
  @Access('anyone')
  @Answers(200, jwks)
  @Header('Cache-Control', 'public, max-age=5')
  async publish(): Promise<z.infer<typeof jwks>> {
    const keys = await this.signingKeys.published();
    return { keys: keys.map(({ kid, publicKey }) => ({ ...publicKey, kid, alg: 'ES256', use: 'sig' })) };
  }

  @Post('ops/users/signing-keys')
  @ApiOperation({ summary: 'Take a new signing key into use' })
  @Access('admin')
  @TakesIdempotencyKey('optional')
  @Answers(201, signingKey)
  async rotate(@CurrentAttempt() attempt: Attempt) {
    return this.commands.execute(new RotateSigningKey(attempt));
  }
}
