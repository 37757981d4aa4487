import { Access, Answers, CurrentAttempt, Refuses, TakesIdempotencyKey, type Attempt } from '@banyan/http';
import { Body, Controller, Header, Post } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import { Busy, InvalidCredentials, InvalidRefreshToken } from './errors';
import { RefreshTokens } from './refresh-tokens';
import { SignIn } from './sign-in';
import { SignOut } from './sign-out';
import type { Tokens } from './tokens';

// Not as strict as registration, so that a wrong guess is answered as wrong credentials and not as a wrong shape.
const credentials = z
  .strictObject({ email: z.string().min(1).max(254), password: z.string().min(1).max(128) })
  .meta({ id: 'Credentials', examples: [{ email: 'jane@shop.example', password: 'truth universally acknowledged' }] });
const refreshToken = z
  .strictObject({ refreshToken: z.string().min(1).max(512) })
  .meta({ id: 'RefreshToken', examples: [{ refreshToken: 'brt_vXq3…' }] });
const tokens = z
  .strictObject({
    accessToken: z.string(),
    tokenType: z.literal('Bearer'),
    expiresIn: z.int().meta({ description: 'Seconds that the access token lives.' }),
    refreshToken: z.string().meta({ description: 'Good for one use.' }),
  })
  .meta({ id: 'Tokens' });

@ApiTags('users')
@Controller('auth')
export class AuthController {
  constructor(private readonly commands: CommandBus) {}

  @Post('token')
  @ApiOperation({ summary: 'Sign in' })
  @Access('anyone')
  @Answers(200, tokens)
  @Refuses({ 401: [InvalidCredentials], 503: [Busy] })
  @Header('Cache-Control', 'no-store')
  async signIn(@Body({ schema: credentials }) { email, password }: z.infer<typeof credentials>): Promise<Tokens> {
    return this.commands.execute(new SignIn(email, password));
  }

  @Post('token/refresh')
  @ApiOperation({ summary: 'Spend a refresh token for new tokens' })
  @Access('anyone')
  @Answers(200, tokens)
  @Refuses({ 401: [InvalidRefreshToken] })
  @Header('Cache-Control', 'no-store')
  async refresh(@Body({ schema: refreshToken }) body: z.infer<typeof refreshToken>): Promise<Tokens> {
    return this.commands.execute(new RefreshTokens(body.refreshToken));
  }

  @Post('logout')
  @ApiOperation({ summary: 'Sign out: revoke what came of the same sign-in' })
  @Access('user')
  @TakesIdempotencyKey('optional')
  @Answers(204)
  async signOut(
    @Body({ schema: refreshToken }) body: z.infer<typeof refreshToken>,
    @CurrentAttempt() attempt: Attempt,
  ): Promise<void> {
    await this.commands.execute(new SignOut(body.refreshToken, attempt));
  }
}
