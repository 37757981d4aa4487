import type { Machine } from './machine';
import { isMissing, verdictOn, type Figure, type Missing, type Verdict } from './row';

export interface Report {
  command: string;
  machine: Machine;
  seconds: number;
  figures: (Figure | Missing)[];
  /** What the audit of the bench's own shop says; undefined where no row needed a shop. */
  audit: { violations: string[]; counts: Record<string, number> } | undefined;
}

const VERDICTS: Record<Verdict, string> = { aim: 'aim', must: 'must', missed: '**missed**', told: '' };

/** Whether a must was missed, a figure is missing, or the audit found anything. */
export function failed({ figures, audit }: Report): boolean {
  const short = figures.some((figure) => isMissing(figure) || verdictOn(figure) === 'missed');
  return short || (audit?.violations.length ?? 0) > 0;
}

/** The report for people. */
export function markdownOf(report: Report): string {
  const { command, machine, seconds, figures, audit } = report;
  const measured = figures.filter((figure): figure is Figure => !isMissing(figure));
  const missing = figures.filter(isMissing);
  return [
    `# \`${command}\``,
    '',
    ...Object.entries(machine).map(([name, value]) => `- ${name}: ${value}`),
    `- took: ${Math.round(seconds)} s`,
    '',
    '| job | figure | must | aim | verdict | ours | reference | CPU µs per operation | rounds |',
    '|---|---|---|---|---|---|---|---|---|',
    ...measured.map(rowOf),
    '',
    'Ratios are medians over interleaved rounds, each against the reference in the same round. CPU is that of the server and',
    'the database together, ours / reference.',
    '',
    ...missing.map(({ what, why }) => `**NOT MEASURED**: ${what}. ${why}.\n`),
    ...(audit ? auditLines(audit) : []),
    '',
  ].join('\n');
}

function rowOf(figure: Figure): string {
  const { what, value, unit, limit, ours, reference, cpu, each, discarded, disturbed } = figure;
  const bound = (number: number | undefined) =>
    limit && number !== undefined ? `${limit.is === 'least' ? '≥' : '≤'} ${number} ${unit}` : '';
  const times = cpu?.ours === undefined ? '' : `${whole(cpu.ours)} / ${whole(cpu.reference)}`;
  const rounds = `${each.map(short).join(', ')}${discarded > 0 ? ` (${discarded} discarded)` : ''}${disturbed ? ' **disturbed by other load**' : ''}`;
  const cells = [what, `${short(value)} ${unit}`, bound(limit?.must), bound(limit?.aim), VERDICTS[verdictOn(figure)]];
  return `| ${[...cells, ours, reference, times, rounds].join(' | ')} |`;
}

function auditLines({ violations, counts }: NonNullable<Report['audit']>): string[] {
  const looked = Object.entries(counts).map(([what, count]) => `${count.toLocaleString('en-GB')} ${what}`);
  if (violations.length === 0) return [`The audit of the bench's shop finds nothing wrong (${looked.join(', ')}).`];
  return [`**The audit of the bench's shop finds ${violations.length} violations:**`, '', ...violations];
}

const short = (value: number): string => (value >= 100 ? String(Math.round(value)) : value.toPrecision(3));
const whole = (value: number | undefined): string => (value === undefined ? '–' : String(Math.round(value)));
