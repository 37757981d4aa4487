import { table } from '../docs/table';
import type { Difference } from './compare';
import type { Journal } from './journal';
import type { Told } from './tell';

/** What became of the journeys in one topology, and what it differs in from the first. */
export interface InTopology {
  told: Told;
  journal: Journal;
  differences: readonly Difference[];
}

const LONGEST_RECORD = 1_000;
const MOST_DIFFERENCES = 50;

const inThousands = (count: number) => count.toLocaleString('en-GB');

/** The table, a row per topology. */
export function tableOf(all: readonly InTopology[]): string {
  const head = ['topology', 'passed', 'failed', 'skipped', 'seconds', 'rows', 'streams', 'answers', 'differences'];
  return table(
    head,
    all.map(({ told, journal, differences }, number) => {
      const outcomes = [...journal.values()];
      const count = (part: 'rows' | 'streams' | 'answers') =>
        inThousands(outcomes.reduce((sum, outcome) => sum + outcome[part].length, 0));
      return [
        told.topology,
        String(told.passed.size),
        String(told.failed.size),
        String(told.skipped.size),
        String(Math.round(told.seconds)),
        ...[count('rows'), count('streams'), count('answers')],
        number === 0 ? 'compared with' : String(differences.length),
      ];
    }),
  );
}

/** Each difference with the journey in which it showed, and how often there is such a record on either side. */
export function differencesAsText(first: string, other: string, differences: readonly Difference[]): string {
  const shown = differences.slice(0, MOST_DIFFERENCES).map(({ journey, part, record, times: [one, two] }) => {
    const cut = record.length > LONGEST_RECORD ? `${record.slice(0, LONGEST_RECORD)} …` : record;
    return `${journey}\n  ${part}: ${one} in ${first}, ${two} in ${other}\n    ${cut}`;
  });
  const more = differences.length - shown.length;
  return [...shown, ...(more > 0 ? [`… and ${inThousands(more)} more.`] : [])].join('\n');
}
