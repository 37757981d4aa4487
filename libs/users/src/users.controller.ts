import { Access, Answers, CurrentUser, idSchema, Refuses, timeSchema, type Caller } from '@banyan/http';
import { Body, Controller, Delete, Get, Param, Patch, Post } from '@nestjs/common';
import { CommandBus, QueryBus } from '@nestjs/cqrs';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import { EraseUser } from './erase-user';
import { Busy, EmailTaken, UserNotFound } from './errors';
import { GetUser } from './get-user';
import { RegisterUser } from './register-user';
import { RenameUser } from './rename-user';
import type { User } from './user';

const nameSchema = z.string().min(1).max(200).regex(/\S/, 'Must not be blank.');
const example = { email: 'jane@shop.example', name: 'Jane Austen' };

const user = z
  .strictObject({
    id: idSchema,
    email: z.string(),
    name: z.string(),
    roles: z.array(z.enum(['customer', 'admin'])),
    createdAt: timeSchema,
  })
  .meta({ id: 'User' });
const path = z.strictObject({ id: idSchema });
const newUser = z
  .strictObject({
    email: z.email('Must be an e-mail address.').max(254),
    password: z.string().min(12).max(128),
    name: nameSchema,
  })
  .meta({ id: 'NewUser', examples: [{ ...example, password: 'truth universally acknowledged' }] });
const userChange = z
  .strictObject({ name: nameSchema.optional() })
  .meta({ id: 'UserChange', examples: [{ name: example.name }] });

@ApiTags('users')
@Controller('users')
export class UsersController {
  constructor(
    private readonly commands: CommandBus,
    private readonly queries: QueryBus,
  ) {}

  @Post()
  @ApiOperation({ summary: 'Register as a customer' })
  @Access('anyone')
  @Answers(201, user)
  @Refuses({ 409: [EmailTaken], 503: [Busy] })
  async register(@Body({ schema: newUser }) { email, password, name }: z.infer<typeof newUser>): Promise<User> {
    return this.commands.execute(new RegisterUser(email, password, name));
  }

  @Get('me')
  @ApiOperation({ summary: 'The caller' })
  @Access('user')
  @Answers(200, user)
  @Refuses({ 404: [UserNotFound] })
  async getMe(@CurrentUser() { id }: Caller): Promise<User> {
    return this.queries.execute(new GetUser(id));
  }

  @Patch('me')
  @ApiOperation({ summary: 'Change one’s name' })
  @Access('user')
  @Answers(200, user)
  @Refuses({ 404: [UserNotFound] })
  async changeMe(
    @CurrentUser() { id }: Caller,
    @Body({ schema: userChange }) { name }: z.infer<typeof userChange>,
  ): Promise<User> {
    if (name === undefined) return this.queries.execute(new GetUser(id));
    return this.commands.execute(new RenameUser(id, name));
  }

  @Delete('me')
  @ApiOperation({ summary: 'Have one’s personal data erased everywhere' })
  @Access('user')
  @Answers(202, undefined, 'Erased here; the other modules follow as they hear of it.')
  @Refuses({ 404: [UserNotFound] })
  async eraseMe(@CurrentUser() { id }: Caller): Promise<void> {
    await this.commands.execute(new EraseUser(id));
  }

  @Get(':id')
  @ApiOperation({ summary: 'Any user' })
  @Access('admin')
  @Answers(200, user)
  @Refuses({ 404: [UserNotFound] })
  async get(@Param({ schema: path }) { id }: z.infer<typeof path>): Promise<User> {
    return this.queries.execute(new GetUser(id));
  }
}
