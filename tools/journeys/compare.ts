import { declaredDifferences, PARTS, type DeclaredDifference, type Part } from './declared-differences';
import type { Journal } from './journal';

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
        .filter(({ times: [one, two] }) => one !== two)
        .map((difference) => ({ journey, part, ...difference }));
    }),
  );
}

function counted(records: readonly string[], rule: DeclaredDifference | undefined): Map<string, number> {
  const counts = new Map<string, number>();
  for (const record of records) {
    if (rule?.apartFrom?.some((beginning) => record.startsWith(beginning))) continue;
    counts.set(record, rule?.compared === 'kinds' ? 1 : (counts.get(record) ?? 0) + 1);
  }
  return counts;
}
