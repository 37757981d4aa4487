import type { House } from '../house';
import type { Program } from '../program';
import { firstProcessorOnly } from './pinned';

/** Requests for orders, sent as fast as they are answered, until the time or the number is reached. */
export interface Load {
  url: string;
  /** Sent in turn. */
  requests: readonly { headers: Record<string, string>; body: string }[];
  /** How many clients ask at the same time, each on a connection of its own. */
  connections: number;
  seconds?: number;
  most?: number;
  /** Between an answer and the same client's next request. Default: none. */
  pauseMs?: number;
}

export interface Loaded {
  done: number;
  seconds: number;
  /** Milliseconds from request to answer. */
  p50: number;
  p99: number;
}

/** Clients in a process of their own, so that asking takes nothing from answering but the processor it runs on. */
export class LoadGenerator {
  private constructor(private readonly program: Program) {}

  static start(house: House): LoadGenerator {
    return new LoadGenerator(house.start('load/load-generator', { env: {}, before: firstProcessorOnly() }));
  }

  /** Throws where any request is not answered with 201. */
  run(load: Load): Promise<Loaded> {
    return this.program.ask('load', load);
  }

  stop(): Promise<void> {
    return this.program.stop();
  }
}
