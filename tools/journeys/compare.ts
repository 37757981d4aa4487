import { declaredDifferences, PARTS, type DeclaredDifference, type Part } from './declared-differences';
import { apartFromItsEnd, type Journal, type Outcome } from './journal';

/** A record that one topology has more often than the other. */
export interface Difference {
  journey: string;
  part: Part;
  /** In normal form. */
  record: string;
  /** How often there is one in the first topology, and in the other. */
  times: readonly [first: number, other: number];
}

/**
 * What two topologies differ in, in the journeys that were told in both; what is declared to differ is compared only as far
 * as it is declared.
 */
export function compare(
  first: Journal,
  other: Journal,
  told: (journey: string) => boolean,
  declared: readonly DeclaredDifference[] = declaredDifferences,
): Difference[] {
  const journeys = [...new Set([...first.keys(), ...other.keys()])].filter(told).sort();
  return journeys.flatMap((journey) =>
    PARTS.flatMap((part) => {
      const rule = declared.find((each) => journey.startsWith(each.journey) && each.parts.includes(part));
      if (rule?.compared === 'nothing') return [];
      const [here, there] = [first, other].map((journal) => counted(journal.get(journey)?.[part] ?? [], rule));
      const records = [...new Set([...here!.keys(), ...there!.keys()])].sort();
      return records
        .map((record) => ({ record, times: [here!.get(record) ?? 0, there!.get(record) ?? 0] as const }))
        .filter(({ record, times: [one, two] }) => {
          const lacks = one === 0 ? first : two === 0 ? other : undefined;
          return one !== two && !(part === 'answers' && sawOnTheWay(record, lacks?.get(journey)));
        })
        .map((difference) => ({ journey, part, ...difference }));
    }),
  );
}

/** What came to this end in one run was still on its way in the other when it was looked at for the last time. */
function sawOnTheWay(record: string, outcome: Outcome | undefined): boolean {
  return outcome !== undefined && outcome.onTheWay.has(apartFromItsEnd(record));
}

function counted(records: readonly string[], rule: DeclaredDifference | undefined): Map<string, number> {
  const counts = new Map<string, number>();
  for (const record of records) {
    if (rule?.apartFrom?.some((beginning) => record.startsWith(beginning))) continue;
    counts.set(record, rule?.compared === 'kinds' ? 1 : (counts.get(record) ?? 0) + 1);
  }
  return counts;
}
