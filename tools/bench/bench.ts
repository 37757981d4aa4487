import { join } from 'node:path';
import { KafkaUnavailable } from '@banyan/development';
import { House } from './house';
import { LoadGenerator } from './load/load';
import type { Plan } from './plan';
import { interleaved, type Rounds, type Sample } from './rounds';
import { RunningShop, stock, type HeldFulfilment, type Stocked } from './shop';
import type { Program, ProgramOptions } from './program';

const SHOP = 'shop';

/** What a row works with: servers of the bench's own, and how much is to be measured. */
export class Bench {
  private stocking: Promise<Stocked> | undefined;
  private provider: Promise<{ program: Program; url: string }> | undefined;
  private copies = 0;

  constructor(
    readonly house: House,
    readonly plan: Plan,
    /** The row whose subject runs under a profiler. */
    private readonly profiled: string | undefined,
    private readonly tell: (line: string) => void,
  ) {}

  /** Whether there is a shop that can be audited. */
  get hasShop(): boolean {
    return this.stocking !== undefined;
  }

  /** The shop's database, made on first use. */
  stocked(): Promise<Stocked> {
    this.stocking ??= this.payments().then(({ url }) => stock(this.house, SHOP, url));
    return this.stocking;
  }

  /** Where payments are captured at once. */
  payments(): Promise<{ program: Program; url: string }> {
    this.provider ??= this.startProvider();
    return this.provider;
  }

  /** A copy of the shop's database for a reference to work on; only while no shop runs. */
  async copyOfShop(): Promise<string> {
    const { database } = await this.stocked();
    const name = `reference_${(this.copies += 1)}`;
    await this.house.createDatabase(name, database);
    return name;
  }

  /** Starts the shop for a row. Where that row is to be profiled, its profile is written when it stops. */
  async startShop(row: string): Promise<RunningShop> {
    return RunningShop.start(this.house, await this.stocked(), this.profileOf(row));
  }

  /** Starts a program of the bench that is the subject of a row. */
  startSubject(row: string, name: string, options: Omit<ProgramOptions, 'file' | 'log'>): Program {
    return this.house.start(name, { ...options, execArgv: this.profileOf(row) });
  }

  /** What a row needs of Kafka; where this machine can have none, why. */
  async kafka(): Promise<{ brokers: string; pids: number[] } | { why: string }> {
    try {
      const { brokers, nodes } = await this.house.kafka();
      return { brokers: brokers.join(','), pids: nodes.map(({ pid }) => pid) };
    } catch (error) {
      if (error instanceof KafkaUnavailable) return { why: error.message };
      throw error;
    }
  }

  startLoad(): LoadGenerator {
    return LoadGenerator.start(this.house);
  }

  /** Measures the sides in turn, as many rounds as planned. */
  async rounds<Side extends string, Kind extends Sample>(
    row: string,
    sides: Readonly<Record<Side, () => Promise<Kind>>>,
  ): Promise<Rounds<Side, Kind>> {
    return interleaved(this.plan.rounds, sides, (done) => this.tell(`${row}: round ${done}`));
  }

  /** Whether the subject of this row is to be profiled. */
  profiles(row: string): boolean {
    return row === this.profiled;
  }

  /** Flags for the Node of the subject of a row; none unless it is to be profiled. */
  profileOf(row: string): string[] {
    return this.profiles(row) ? ['--cpu-prof', `--cpu-prof-dir=${join(this.house.kept, `profile-${row}`)}`] : [];
  }

  private async startProvider() {
    const program = this.house.start('reference/instant-provider', { env: {} });
    return { program, url: await program.ask<string>('url') };
  }
}

/** Runs `work` while the shop leaves fulfilment alone; afterwards every order is fulfilled. */
export async function whileHeld<T>(shop: RunningShop, work: () => Promise<T>): Promise<T> {
  const held: HeldFulfilment = await shop.holdFulfilment();
  try {
    return await work();
  } finally {
    await held.release();
    await shop.allFulfilled();
  }
}
