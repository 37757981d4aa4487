/** Names the topology in which shops are opened in this run; unset, each is one process with nothing before it. */
export const TOPOLOGY = 'JOURNEYS_TOPOLOGY';

/** Where the Kafka of this run is, for shops that have none of their own; set by open.ts. */
export const KAFKA_OF_THE_RUN = 'JOURNEYS_KAFKA';

/** The variable in which open.ts says what that topology is like. */
const PLACED = 'JOURNEYS_PLACED';

/*
 * What topologies declare to have, or not: all that may differ between them. Whatever no journey needs by one of these names
 * is the same in each.
 */
const HAS = {
  /** Messages that go over a Kafka, which can be killed. */
  'a broker': {
    where: ({ transport }: Placed) => transport === 'kafka' || transport === 'mixed',
    otherwise: 'messages never leave the process here, so there is no broker to restart',
  },
  /** Data that another topology can go on with. */
  'shared data': {
    where: ({ topology, databases }: Placed) => topology !== null && databases === 'together',
    otherwise: 'its data is not that of the other topologies, or it is not placed by one',
  },
  /** A shop like the one that a command opens for itself. */
  'one process': {
    where: ({ topology }: Placed) => topology === null || topology === 'monolith',
    otherwise: 'the command opens a shop for itself, which is one process wherever others are placed',
  },
} as const;

export type Need = keyof typeof HAS;

/** How shops are placed; without a topology each is one process that nothing stands before. */
export interface Placed {
  topology: string | null;
  transport: 'in-process' | 'mixed' | 'kafka';
  databases: 'together' | 'apart';
}

const ONE_PROCESS: Placed = { topology: null, transport: 'in-process', databases: 'together' };

/** Has every shop of this run placed so, here and in processes started from here. */
export function placeShops(placed: Placed): void {
  process.env[PLACED] = JSON.stringify(placed);
}

/** How shops are placed in this run. */
export function placementOfTheRun(): Placed {
  const placed = process.env[PLACED];
  return placed ? (JSON.parse(placed) as Placed) : ONE_PROCESS;
}

/** Why a journey with these needs cannot be told in this run; null where it can. */
export function whatIsMissing(needs: readonly Need[], placed: Placed = placementOfTheRun()): string | null {
  const missing = needs.find((need) => !HAS[need].where(placed));
  return missing === undefined ? null : HAS[missing].otherwise;
}
