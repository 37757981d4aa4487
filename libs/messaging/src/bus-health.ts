import type { Health } from '@banyan/telemetry';
import type { EdgeState } from './bus';

/**
 * Degraded while an edge waits for something that is away, a broker or a subscriber's database, and which. Never down:
 * what is published meanwhile is kept in the logs, so the app can serve.
 */
export function busHealth(edges: readonly EdgeState[]): Health {
  const waiting = edges.filter(({ state }) => state === 'away');
  if (waiting.length === 0) return { status: 'up' };
  return { status: 'degraded', waiting: waiting.map(({ source, subscriber }) => `${source} → ${subscriber}`) };
}
