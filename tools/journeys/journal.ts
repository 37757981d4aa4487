import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  ABOUT_THE_PLACE,
  EVENTUAL,
  OF_THE_CONNECTION,
  ON_ITS_WAY,
  theShopItself,
  type Part,
} from './declared-differences';
import { idsIn, normalForm } from './normal-form';
import type { RecordedAnswer, RecordedMessage, RecordedRow } from './recorded';

/** What was recorded while journeys were told in one topology. */
export interface Records {
  answers: readonly RecordedAnswer[];
  rows: readonly RecordedRow[];
  messages: readonly RecordedMessage[];
}

/** What one journey came to, each record in its normal form. */
export interface Outcome extends Record<Part, string[]> {
  /** Answers that showed something on its way, without what says so: its end was not looked at, or not yet. */
  onTheWay: Set<string>;
}

/** By journey. */
export type Journal = Map<string, Outcome>;

/** Reads what test/journeys/shop/records.ts wrote. */
export function readRecords(folder: string): Records {
  const linesOf = <Line>(kind: string): Line[] =>
    (existsSync(folder) ? readdirSync(folder) : [])
      .filter((file) => file.startsWith(`${kind}-`))
      .flatMap((file) => readFileSync(join(folder, file), 'utf8').split('\n').filter(Boolean))
      .map((line) => JSON.parse(line) as Line);
  return { answers: linesOf('answers'), rows: linesOf('rows'), messages: linesOf('messages') };
}

/**
 * Sorts what was recorded by journey, in normal form. An answer names its journey; a message belongs to the journey whose
 * request began its stream, a row to that of the first id in it that somebody began.
 */
export function journalOf({ answers, rows, messages }: Records): Journal {
  const journal: Journal = new Map();
  const of = (journey: string) => {
    let outcome = journal.get(journey);
    if (!outcome) journal.set(journey, (outcome = { answers: [], rows: [], streams: [], onTheWay: new Set() }));
    return outcome;
  };
  const note = (journey: string, part: Part, record: string) => void of(journey)[part].push(record);
  const begunBy = beginnings(answers, messages, rows);

  const seen = new Set<string>();
  for (const answer of answers.filter(({ inVain }) => !inVain)) {
    const { journey } = answer;
    if (answer.method !== 'GET') {
      note(journey, 'answers', answerAsText(answer));
      continue;
    }
    // Who only looks may look once more or less often, and may see what will be otherwise a moment later.
    for (const part of partsOf(answer)) {
      const text = answerAsText(part);
      if (ON_ITS_WAY.test(text)) of(journey).onTheWay.add(apartFromItsEnd(text));
      else if (!seen.has(`${journey} ${text}`)) note(journey, 'answers', text);
      seen.add(`${journey} ${text}`);
    }
  }

  const streams = Map.groupBy(messages, ({ shop, topic, key }) => `${shop} ${topic} ${key}`);
  for (const stream of streams.values()) {
    const [{ shop, topic, key }] = stream as [RecordedMessage];
    const inOrder = stream.toSorted((one, other) => one.sequence - other.sequence);
    const said = inOrder.map(({ sequence, type, data }) => ({ message: `${sequence} ${type}`, data }));
    const journey = begunBy.get(key.toLowerCase()) ?? theShopItself(shop);
    note(journey, 'streams', `${topic} ${normalForm({ key, said })}`);
  }

  for (const row of rows) {
    const text = `${row.module}.${row.table} ${normalForm(without(inOneOrder(row.row), EVENTUAL.rows))}`;
    note(ownerOf(row, begunBy) ?? theShopItself(row.shop), 'rows', text);
  }
  return journal;
}

/** An answer without what says how far something has come. */
export const apartFromItsEnd = (answer: string) => answer.replace(/"(status|cancelReason)":("[^"]*"|null)/g, '');

/** Which journey began what has this id: it asked for it, or for what caused its first message. */
function beginnings(
  answers: readonly RecordedAnswer[],
  messages: readonly RecordedMessage[],
  rows: readonly RecordedRow[],
): Map<string, string> {
  const journeyOf = new Map(answers.map(({ correlationId, journey }) => [correlationId, journey]));
  const begunBy = new Map<string, string>();
  const firsts = messages.filter(({ sequence }) => sequence === 1);
  for (const { key, correlationId } of firsts) {
    const journey = journeyOf.get(correlationId);
    if (journey !== undefined) begunBy.set(key.toLowerCase(), journey);
  }
  for (const { method, status, body, journey } of answers) {
    const { id } = (body ?? {}) as { id?: unknown };
    if (method === 'POST' && status === 201 && typeof id === 'string') begunBy.set(id.toLowerCase(), journey);
  }
  // A payment is of an order, and a refund is of a payment.
  for (const row of rows) {
    const owner = ownerOf(row, begunBy);
    if (owner !== undefined && typeof row.row['id'] === 'string') begunBy.set(row.row['id'].toLowerCase(), owner);
  }
  return begunBy;
}

function ownerOf(row: RecordedRow, begunBy: ReadonlyMap<string, string>): string | undefined {
  const id = idsOf(row).find((each) => begunBy.has(each));
  return id === undefined ? undefined : begunBy.get(id);
}

/** The ids in a row, those first that say what it is about. */
function idsOf({ row }: RecordedRow): string[] {
  const { id, key, order_id, payment_id, product_id, user_id, ...rest } = row;
  return idsIn([order_id, id, key, product_id, user_id, payment_id, rest]);
}

/** Each thing in a list by itself, and the list around it: which page it is on depends on who was first. */
function partsOf(answer: RecordedAnswer): RecordedAnswer[] {
  const { items, ...page } = (answer.body ?? {}) as { items?: unknown };
  if (!Array.isArray(items)) return [answer];
  const path = answer.path.replace(/[?&]cursor=[^&]+/, '');
  return [{ ...answer, body: page }, ...items.map((item: unknown) => ({ ...answer, path, body: { item } }))];
}

function answerAsText({ method, path, status, headers, body }: RecordedAnswer): string {
  const told = Object.entries(headers).filter(([name]) => !OF_THE_CONNECTION.includes(name));
  return normalForm({
    call: `${method} ${path} → ${status}`,
    headers: Object.fromEntries(told.map(plain)),
    told: ABOUT_THE_PLACE.test(path) ? undefined : without(body, EVENTUAL.answers),
  });
}

/** A header as far as two runs can have it in common. */
function plain([name, value]: [string, string | undefined]): [string, string | undefined] {
  if (name === 'etag') return [name, '<etag>'];
  if (name === 'retry-after') return [name, '<seconds>'];
  return [name, value];
}

/** What a process heard and did, by the names of the messages: there is an order within streams, and none between them. */
function inOneOrder(value: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const { record } = value;
  if (!Array.isArray(record)) return value;
  const nameOf = ({ message, way }: Happening) => `${message} ${way}`;
  return { ...value, record: (record as Happening[]).toSorted((one, other) => (nameOf(one) < nameOf(other) ? -1 : 1)) };
}

interface Happening {
  message: string;
  way: string;
}

function without(value: unknown, fields: readonly string[]): unknown {
  if (Array.isArray(value)) return value.map((each) => without(each, fields));
  if (typeof value !== 'object' || value === null) return value;
  const kept = Object.entries(value).filter(([name]) => !fields.includes(name));
  return Object.fromEntries(kept.map(([name, inner]) => [name, without(inner, fields)]));
}
