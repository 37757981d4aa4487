import { appendFileSync, existsSync } from 'node:fs';
import type { Circus } from '@jest/types';
import { TestEnvironment } from 'jest-environment-node';
import { HANDED_OVER, type Shop } from './shop';

declare global {
  /** Whether a journey of this file has failed so far. */
  var journeyFailed: boolean | undefined;
}

const noteBeside = (logFile: string) => `${logFile}.failures`;

/** Where journeys take place: takes note of those that fail, so that what the shop said meanwhile is not thrown away. */
export default class Witness extends TestEnvironment {
  handleTestEvent(event: Circus.Event): void {
    const failed = event.name === 'hook_failure' || (event.name === 'test_done' && event.test.errors.length > 0);
    if (!failed || this.global['journeyFailed']) return;
    this.global['journeyFailed'] = true;
    const { logFile } = JSON.parse(process.env[HANDED_OVER] ?? '{}') as Partial<Shop>;
    if (logFile && existsSync(logFile)) noteFailure(logFile);
  }
}

/** Remembers beside a shop's log that something failed there. */
export const noteFailure = (logFile: string): void => appendFileSync(noteBeside(logFile), '.');

/** Whether a journey in the shop that writes this log has failed. */
export const sawFailure = (logFile: string): boolean => existsSync(noteBeside(logFile));
