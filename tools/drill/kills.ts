import { setTimeout as timePasses } from 'node:timers/promises';
import type { RunningApp } from '../topology/start-topology';
import type { Side } from './sides';

/** The stages of a move, in their order; see move.ts. */
export const STAGES = ['starting', 'sharing', 'leaving', 'settled'] as const;
export type Stage = (typeof STAGES)[number];

/** A process that is to be killed outright. */
export interface Kill {
  app: string;
  stage: Stage;
  /** How much of the stage has passed by then, 0 to 1. */
  at: number;
}

/** One process of each side, each at a moment of its own; the same for the same chance. */
export function planKills(from: Side, to: Side, chance: () => number): Kill[] {
  const pick = <Item>(items: readonly Item[]): Item => items[Math.floor(chance() * items.length)]!;
  const kill = (side: Side, stages: readonly Stage[]) => ({
    app: pick(Object.keys(side.apps)),
    stage: pick(stages),
    at: chance(),
  });
  // The old side is gone when the move has settled, and need not be there while the new one starts: that is no story of a move.
  return [kill(from, ['sharing', 'leaving']), kill(to, STAGES)];
}

export interface Executioner {
  /** How long each stage is expected to take, in ms. */
  lasts: Readonly<Record<Stage, number>>;
  /** The process, as it is called; undefined where none runs under that name. */
  find(app: string): RunningApp | undefined;
  told(line: string): void;
}

/** Carries out the kills of one move, as its stages come. */
export class Kills {
  private readonly carriedOut: Promise<void>[] = [];
  private readonly found = new Map<string, RunningApp>();

  constructor(
    private readonly kills: readonly Kill[],
    private readonly executioner: Executioner,
  ) {}

  /** A stage begins. */
  reached(stage: Stage): void {
    const { find, lasts } = this.executioner;
    for (const kill of this.kills.filter((planned) => planned.stage === stage)) {
      // Whoever is about to leave can be found no more by then.
      const app = find(kill.app);
      if (app) this.found.set(kill.app, app);
      this.carriedOut.push(this.carryOut(kill, kill.at * lasts[stage]));
    }
  }

  /** Resolves once all whose stage has come are carried out. */
  async done(): Promise<void> {
    await Promise.all(this.carriedOut.splice(0));
  }

  private async carryOut({ app: name, stage }: Kill, delayMs: number): Promise<void> {
    await timePasses(delayMs);
    const app = this.found.get(name) ?? this.executioner.find(name);
    if (app?.pid === undefined) return this.executioner.told(`${name} was to be killed while ${stage}, and is down`);
    await app.kill();
    this.executioner.told(`killed ${name} while ${stage}`);
  }
}
