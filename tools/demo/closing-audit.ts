import { audit } from '../audit/audit';
import type { Violation } from '../audit/check';
import { summaryOf } from '../audit/report';
import { whereItIsKept } from '../audit/where-it-is-kept';

export interface ClosingAudit {
  violations: Violation[];
  /** What was still going on when patience had run out; then violations may be what is only on its way. */
  unrest: string[];
  summary: string;
}

/** Waits until the shop that the environment speaks of is quiet, and judges every invariant of it. Throws CouldNotLook. */
export async function closingAudit(environment: NodeJS.ProcessEnv, patienceMs: number): Promise<ClosingAudit> {
  const kept = await whereItIsKept(environment, { withBooks: true, providerUrl: undefined });
  try {
    const violations: Violation[] = [];
    const result = await audit({
      databases: kept.databases,
      providerUrl: kept.providerUrl,
      patienceMs,
      onProgress: () => undefined,
      onViolation: (violation) => violations.push(violation),
    });
    return { violations, unrest: result.unrest, summary: summaryOf(result) };
  } finally {
    await kept.leave();
  }
}
