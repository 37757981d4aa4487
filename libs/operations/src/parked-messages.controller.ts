import {
  Access,
  Answers,
  CurrentAttempt,
  CurrentUser,
  Idempotency,
  idSchema,
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
import {
  ContentRefused,
  MessageNotParked,
  ParkedMessageNotFound,
  ParkedMessages,
  type InspectedMessage,
  type ParkedMessage,
} from '@banyan/messaging';
import { Body, Controller, Get, Param, Post, Query, type Type } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { z } from 'zod';

const parkedMessage = z
  .strictObject({
    id: idSchema,
    source: z.string().meta({ description: 'The module that sent it.' }),
    topic: z.string(),
    key: z.string().meta({ description: 'Of its stream: later messages of the same key wait behind it.' }),
    sequence: z.int().meta({ description: 'Its number in the stream.' }),
    type: z.string().meta({ description: 'The wire name.' }),
    state: z.enum(['parked', 'retrying', 'waiting']).meta({ description: 'Lists show only what is parked.' }),
    attempts: z.int(),
    errorCode: z.string().nullable(),
    error: z.string().nullable(),
    heldAt: timeSchema.meta({ description: 'When it failed for the first time.' }),
    waitingBehind: z.int().meta({ description: 'Messages of its stream that wait behind it.' }),
  })
  .meta({ id: 'ParkedMessage' });
const parkedMessages = pageOf(parkedMessage, 'ParkedMessages');
const inspectedMessage = z
  .strictObject({
    ...parkedMessage.shape,
    headers: z.record(z.string(), z.string()).meta({ description: 'The attributes of the envelope.' }),
    content: z.unknown().meta({ description: 'As the sender wrote it; secrets stand as `[secret]`.' }),
    acts: z.array(
      z.strictObject({
        at: timeSchema,
        act: z.enum(['redriven', 'edited', 'discarded', 'replayed']),
        who: z.string().meta({ description: 'A user’s id, or the name of an account on a machine.' }),
        why: z.string(),
        original: z.unknown().meta({ description: 'The content before an edit, for as long as it may be kept.' }),
        edited: z.unknown(),
      }),
    ),
  })
  .meta({ id: 'InspectedMessage' });
const redriven = z
  .strictObject({ redriven: z.int().meta({ description: 'How many messages are tried again.' }) })
  .meta({ id: 'Redriven', examples: [{ redriven: 1 }] });

// What is written out again must be walked, and a body may be nested deeper than the stack.
const DEEPEST = 100;

const path = z.strictObject({ id: idSchema });
const matching = {
  type: z.string().min(1).max(200).optional(),
  key: z.string().min(1).max(500).optional(),
  errorCode: z.string().min(1).max(200).optional(),
  heldSince: timeSchema.optional(),
};
const listing = z.strictObject({ ...matching, ...pageQuery(idSchema) });
const reason = z
  .string()
  .min(1)
  .max(500)
  .regex(/\S/, 'Must not be blank.')
  .meta({ description: 'Kept in the record.' });
const withReason = z.strictObject({ reason }).meta({ id: 'Reason', examples: [{ reason: 'Mended in release 41.' }] });
const redriveMatching = z
  .strictObject({
    reason,
    filter: z.strictObject(matching).meta({ description: 'Those that match everything given; empty for all.' }),
  })
  .meta({ id: 'RedriveMatching', examples: [{ reason: 'Mended in release 41.', filter: { errorCode: 'failed' } }] });
const editAndRedrive = z
  .strictObject({
    reason,
    content: z
      .record(z.string(), z.unknown())
      .refine((content) => isWithinDepth(content, DEEPEST), `Must not be nested deeper than ${DEEPEST}.`)
      .meta({ description: 'The whole content; a field that stands as `[secret]` stays what it was.' }),
  })
  .meta({ id: 'EditAndRedrive' });

/**
 * The routes by which admins work with what a module has parked, `/ops/{module}/parked-messages`; to be named among the
 * controllers of a module that imports its MessagingModule and HttpModule. What is read or done there is for admins only.
 */
export function parkedMessagesController(module: string): Type {
  @ApiTags('operations')
  @Controller(`ops/${module}/parked-messages`)
  class ParkedMessagesController {
    constructor(
      private readonly parked: ParkedMessages,
      private readonly idempotency: Idempotency,
    ) {}

    @Get()
    @Access('admin')
    @Answers(200, parkedMessages)
    async list(@Query({ schema: listing }) query: z.infer<typeof listing>): Promise<Page<ParkedMessage>> {
      const { cursor, limit, ...filter } = query;
      const found = await this.parked.list(read(filter), { after: cursor, limit: limit + 1 });
      return page(found, limit, ({ id }) => id);
    }

    @Get(':id')
    @Access('admin')
    @Answers(200, inspectedMessage)
    @Refuses({ 404: [ParkedMessageNotFound] })
    async inspect(@Param({ schema: path }) { id }: z.infer<typeof path>): Promise<InspectedMessage> {
      return this.parked.inspect(id);
    }

    @Post('redrive')
    @Access('admin')
    @TakesIdempotencyKey('optional')
    @Answers(202, redriven)
    async redriveAll(
      @Body({ schema: redriveMatching }) { filter, reason: why }: z.infer<typeof redriveMatching>,
      @CurrentUser() { id: who }: Caller,
      @CurrentAttempt() attempt: Attempt,
    ): Promise<z.infer<typeof redriven>> {
      return this.idempotency.once(attempt, async (tx) => ({
        redriven: await this.parked.redriveAll(tx, read(filter), { who, why }),
      }));
    }

    @Post(':id/redrive')
    @Access('admin')
    @TakesIdempotencyKey('optional')
    @Answers(202, redriven)
    @Refuses({ 404: [ParkedMessageNotFound], 409: [MessageNotParked] })
    async redrive(
      @Param({ schema: path }) { id }: z.infer<typeof path>,
      @Body({ schema: withReason }) { reason: why }: z.infer<typeof withReason>,
      @CurrentUser() { id: who }: Caller,
      @CurrentAttempt() attempt: Attempt,
    ): Promise<z.infer<typeof redriven>> {
      return this.idempotency.once(attempt, async (tx) => {
        await this.parked.redrive(tx, id, { who, why });
        return { redriven: 1 };
      });
    }

    @Post(':id/edit-and-redrive')
    @Access('admin')
    @TakesIdempotencyKey('optional')
    @Answers(202, redriven)
    @Refuses({ 404: [ParkedMessageNotFound], 409: [MessageNotParked], 422: [ContentRefused] })
    async editAndRedrive(
      @Param({ schema: path }) { id }: z.infer<typeof path>,
      @Body({ schema: editAndRedrive }) { content, reason: why }: z.infer<typeof editAndRedrive>,
      @CurrentUser() { id: who }: Caller,
      @CurrentAttempt() attempt: Attempt,
    ): Promise<z.infer<typeof redriven>> {
      return this.idempotency.once(attempt, async (tx) => {
        await this.parked.editAndRedrive(tx, id, content, { who, why });
        return { redriven: 1 };
      });
    }

    @Post(':id/discard')
    @Access('admin')
    @TakesIdempotencyKey('optional')
    @Answers(204)
    @Refuses({ 404: [ParkedMessageNotFound], 409: [MessageNotParked] })
    async discard(
      @Param({ schema: path }) { id }: z.infer<typeof path>,
      @Body({ schema: withReason }) { reason: why }: z.infer<typeof withReason>,
      @CurrentUser() { id: who }: Caller,
      @CurrentAttempt() attempt: Attempt,
    ): Promise<void> {
      await this.idempotency.once(attempt, (tx) => this.parked.discard(tx, id, { who, why }));
    }
  }

  // Operations are named after their controller, and every module has this one.
  const name = `${module.charAt(0).toUpperCase()}${module.slice(1)}ParkedMessagesController`;
  return Object.defineProperty(ParkedMessagesController, 'name', { value: name });
}

/** A filter as the API has it, with its time as a time. */
function read({ heldSince, ...filter }: z.infer<z.ZodObject<typeof matching>>) {
  return { ...filter, heldSince: heldSince === undefined ? undefined : new Date(heldSince) };
}

function isWithinDepth(content: unknown, deepest: number): boolean {
  let level = [content];
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > deepest) return false;
    level = level.flatMap((value) => (typeof value === 'object' && value !== null ? Object.values(value) : []));
  }
  return true;
}
