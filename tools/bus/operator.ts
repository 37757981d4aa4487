import { userInfo } from 'node:os';
import type { OperatorAct } from '@banyan/messaging';
import { WrongArguments } from '../shop-client/command-line';

/** The options of every act. */
export const operatorOptions = { who: { type: 'string' }, why: { type: 'string' } } as const;

/** Who acts, the account on this machine unless said otherwise, and why, which must be said. Throws WrongArguments. */
export function operatorAct({ who, why }: { who?: string | undefined; why?: string | undefined }): OperatorAct {
  if (!why?.trim()) throw new WrongArguments('Say why: --why "…". It is kept in the record.');
  return { who: who?.trim() || userInfo().username, why };
}

/** A time as people write it. Throws WrongArguments. */
export function timeOf(text: string, option: string): Date {
  const time = new Date(text);
  if (Number.isNaN(time.getTime()))
    throw new WrongArguments(`${option} must be a time like 2026-11-20T09:00:00Z, not ${text}.`);
  return time;
}
