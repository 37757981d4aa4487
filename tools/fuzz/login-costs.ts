import { randomUUID } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import { request as send } from 'undici';
import type { Population } from './population';

const ROUNDS = 60;

/**
 * What a wrong sign-in costs a client for an e-mail that exists and for one that does not, in turns. A figure to look at
 * and no verdict: on a busy machine it says little; that both do the same work is a test's business.
 */
export async function loginCosts(baseUrl: string, population: Population): Promise<string> {
  const known = population.someEmail();
  const took: Record<'exists' | 'does not', number[]> = { exists: [], 'does not': [] };
  for (let round = 0; round < ROUNDS; round++) {
    took.exists.push(await signIn(baseUrl, known));
    took['does not'].push(await signIn(baseUrl, `${randomUUID()}@fuzz.example`));
  }
  const [one, other] = [median(took.exists), median(took['does not'])];
  return `a wrong password costs ${one.toFixed(1)} ms where the e-mail exists, ${other.toFixed(1)} ms where it does not (medians of ${ROUNDS})`;
}

async function signIn(baseUrl: string, email: string): Promise<number> {
  const beganAt = performance.now();
  const { statusCode, body } = await send(new URL('/api/v1/auth/token', baseUrl), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ email, password: 'not the password of anybody' }),
  });
  await body.dump();
  if (statusCode !== 401) throw new Error(`A wrong password was answered ${statusCode}.`);
  return performance.now() - beganAt;
}

function median(numbers: number[]): number {
  return numbers.sort((a, b) => a - b)[Math.floor(numbers.length / 2)] as number;
}
