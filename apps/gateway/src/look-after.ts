import type { Instance } from './instance';

// Who is away is asked more often than who is there: it costs nothing, and every moment is one in which clients are refused.
const TIMES_AS_OFTEN = 4;

/** Asks every instance how it is, again and again; answers how to stop it. */
export function lookAfter(instances: () => readonly Instance[], everyMs: number): () => void {
  let turn = 0;
  const looking = setInterval(() => {
    turn += 1;
    for (const instance of instances()) {
      if (instance.state !== 'ready' || turn % TIMES_AS_OFTEN === 0) void instance.look();
    }
  }, everyMs / TIMES_AS_OFTEN);
  return () => clearInterval(looking);
}
