import type { Instance } from './instance';

/** Asks every instance how it is, again and again; answers how to stop it. */
export function lookAfter(instances: () => readonly Instance[], everyMs: number): () => void {
  const looking = setInterval(() => {
    for (const instance of instances()) void instance.look();
  }, everyMs);
  return () => clearInterval(looking);
}
