import type { Bench } from './bench';

/** What must hold of a figure, and what it should come to. */
export interface Limit {
  /** `least`: no lower; `most`: no higher. */
  is: 'least' | 'most';
  must: number;
  aim?: number;
}

/** One line of the table. */
export interface Figure {
  what: string;
  /** The measured figure, in `unit`: most often a ratio. */
  value: number;
  unit: '×' | 'ms' | '/min';
  /** Left out for what is only told. */
  limit?: Limit;
  ours: string;
  reference: string;
  /** Processor time per operation: ours, and the reference's. */
  cpu?: { ours: number | undefined; reference: number | undefined };
  /** The figure of each round. */
  each: number[];
  discarded: number;
  disturbed: boolean;
}

/** What could not be measured here, and why. */
export interface Missing {
  what: string;
  why: string;
}

export interface Row {
  /** For `--only` and `--profile`. */
  name: string;
  job: string;
  measure(bench: Bench): Promise<(Figure | Missing)[]>;
}

export type Verdict = 'aim' | 'must' | 'missed' | 'told';

export function verdictOn({ value, limit }: Figure): Verdict {
  if (!limit) return 'told';
  const reaches = (bound: number) => (limit.is === 'least' ? value >= bound : value <= bound);
  if (!reaches(limit.must)) return 'missed';
  return limit.aim === undefined || reaches(limit.aim) ? 'aim' : 'must';
}

export const isMissing = (figure: Figure | Missing): figure is Missing => 'why' in figure;
