import { z } from 'zod';

/**
 * The two query parameters of every list: `z.strictObject({ status: …, ...pageQuery(z.tuple([timeSchema, idSchema])) })`.
 * `position` is the shape of what the list is ordered by; a cursor that does not hold one is refused (400).
 */
export function pageQuery<Position extends z.ZodType>(position: Position) {
  return {
    limit: z.coerce.number().int().min(1).max(100).optional().default(20),
    cursor: z
      .string()
      .max(512)
      .transform((text, context): z.output<Position> => {
        const read = position.safeParse(decode(text));
        if (read.success) return read.data;
        context.addIssue({ code: 'custom', message: 'Must be a `nextCursor` of this list.' });
        return z.NEVER;
      })
      .optional()
      .meta({ description: 'The `nextCursor` of the page before.' }),
  };
}

export interface Page<Item> {
  readonly items: readonly Item[];
  readonly nextCursor: string | null;
}

/** The answer of a list: from up to `limit + 1` rows, so that the extra one tells whether there are more. */
export function page<Item>(rows: readonly Item[], limit: number, positionOf: (last: Item) => unknown): Page<Item> {
  const items = rows.slice(0, limit);
  const last = items.at(-1);
  const more = rows.length > limit && last !== undefined;
  return { items, nextCursor: more ? encode(positionOf(last)) : null };
}

/** The schema of a list's answer. */
export function pageOf<Item extends z.ZodType>(item: Item, id: string) {
  return z.strictObject({ items: z.array(item), nextCursor: z.string().nullable() }).meta({ id });
}

function encode(position: unknown): string {
  return Buffer.from(JSON.stringify(position)).toString('base64url');
}

function decode(cursor: string): unknown {
  try {
    return JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
  } catch {
    return undefined;
  }
}
