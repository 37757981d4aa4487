import { Outgoing, Cause } from '@banyan/messaging';

/** What a step leads to. Left out means: as it was. */
export interface Step<State> {
  state: State;
  /** What to send, given what it answers. */
  send?: (because: Cause) => Outgoing[];
  /** When to be told that no answer came: milliseconds from now, or null for no longer. */
  deadlineIn?: number | null;
  /** Nothing more is waited for. Late messages are still recorded, and may open it again. */
  ended?: boolean;
}

/**
 * A process as a pure table of what it hears and what it does then. `step` answers undefined where a message changes
 * nothing; it is recorded all the same. A running process keeps the version that it began with, so `step` is told it.
 */
export interface ProcessDefinition<State, Heard> {
  /** Of the process, for example `order-fulfilment`. */
  name: string;
  /** What new processes begin with, from 1. */
  version: number;
  step(state: State, heard: Heard, version: number): Step<State> | undefined;
  /** What the process is told when its deadline has passed. */
  deadlinePassed: Heard;
}

/** One line of a process's record. `message` is a wire name, or what else made it move. */
export interface Recorded {
  at: string;
  way: 'heard' | 'sent';
  message: string;
  /** Missing for what was no message, such as a deadline. */
  id?: string;
}
