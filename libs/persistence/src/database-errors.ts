import { DatabaseError } from 'pg';

const CONNECTION_CODES = new Set(['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'ENOTFOUND', 'EAI_AGAIN']);
// 57P01 to 57P05: shut down, crashed, starting, dropped, idle too long. 53300: too many connections. 25P03, 25P04: timed out.
const AWAY_STATES = new Set(['57P01', '57P02', '57P03', '57P05', '53300', '53100', '53200', '25P03', '25P04', '57014']);
const AWAY_MESSAGES = [
  'Connection terminated',
  'timeout exceeded when trying to connect',
  'Client has encountered a connection error',
  'Client was closed',
  'Query read timeout',
  'Cannot use a pool after calling end',
];

/** Whether the database could not be reached or gave up on us: worth another try later, and no fault of the statement. */
export function isDatabaseAway(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const cause = driverError(error);
  const code = (cause as { code?: unknown }).code;
  if (typeof code === 'string') {
    if (CONNECTION_CODES.has(code) || AWAY_STATES.has(code) || (code.startsWith('08') && code.length === 5))
      return true;
  }
  return AWAY_MESSAGES.some((message) => cause.message.includes(message));
}

/** Whether two transactions were in each other's way (deadlock, serialisation): the same work may simply be done again. */
export function isContention(error: unknown): boolean {
  const code = (driverError(error) as { code?: unknown } | undefined)?.code;
  return code === '40P01' || code === '40001';
}

/** Whether the statement was refused because one before it in the same transaction had failed. */
export function isAborted(error: unknown): boolean {
  return (driverError(error) as { code?: unknown } | undefined)?.code === '25P02';
}

/** Whether a unique key refused the row; with `constraint`, that one. */
export function isUniqueViolation(error: unknown, constraint?: string): boolean {
  const cause = driverError(error) as Partial<DatabaseError> | undefined;
  return cause?.code === '23505' && (constraint === undefined || cause.constraint === constraint);
}

// TypeORM wraps what the driver threw.
function driverError(error: unknown): Error {
  const wrapped = (error as { driverError?: unknown } | undefined)?.driverError;
  return wrapped instanceof Error ? wrapped : (error as Error);
}
