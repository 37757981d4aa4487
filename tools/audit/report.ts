import type { Audit } from './audit';
import type { Violation } from './check';

/** Where an audit tells what it found. Violations are written as they come: there may be a million. */
export interface Report {
  violation(found: Violation): void;
  end(audit: Audit): void;
}

type Out = Pick<NodeJS.WritableStream, 'write'>;

const linesTo = (out: Out): Report => ({
  violation: ({ invariant, subject, what }) => void out.write(`${invariant}  ${subject}: ${what}\n`),
  end: () => undefined,
});

/** One JSON object: `{ "violations": [{ invariant, subject, what }], "invariants", "counts", "unrest", "seconds" }`. */
const jsonTo = (out: Out): Report => {
  let before = '{"violations":[\n';
  return {
    violation(found) {
      out.write(before + JSON.stringify(found));
      before = ',\n';
    },
    end({ violations, invariants, counts, unrest, seconds }) {
      const rest = JSON.stringify({ invariants, counts, unrest, seconds });
      out.write(`${violations === 0 ? before : '\n'}],${rest.slice(1)}\n`);
    },
  };
};

export const reportTo = (out: Out, json: boolean): Report => (json ? jsonTo(out) : linesTo(out));

/** The closing line: what was judged, and how it is. */
export function summaryOf({ invariants, violations, counts, unrest, seconds }: Audit): string {
  const looked = Object.entries(counts).map(([what, count]) => `${count.toLocaleString('en-GB')} ${what}`);
  const verdict =
    violations === 0
      ? `All ${invariants} invariants hold`
      : `${violations.toLocaleString('en-GB')} ${violations === 1 ? 'violation' : 'violations'} of ${invariants} invariants`;
  const restless = unrest.length === 0 ? '' : ` Judged before it was quiet: ${unrest.join(', ')}.`;
  return `${verdict}: ${looked.join(', ')}, in ${seconds.toFixed(1)} s.${restless}`;
}
