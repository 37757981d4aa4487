/** A program of the bench: asks for orders as fast as it is answered, from a process of its own. */
import { randomUUID } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import { setTimeout as pause } from 'node:timers/promises';
import { Pool } from 'undici';
import { answerQuestions } from '../answering';
import { quantile } from '../statistics';
import type { Load, Loaded } from './load';

answerQuestions({ load });

async function load({ url, requests, connections, seconds, most, pauseMs }: Load): Promise<Loaded> {
  const pool = new Pool(url, { connections, pipelining: 1, keepAliveTimeout: 60_000 });
  const times: number[] = [];
  let failed = 0;
  let firstFailure = '';
  const beganAt = performance.now();
  const endAt = beganAt + (seconds ?? Infinity) * 1_000;
  const goOn = () => times.length + failed < (most ?? Infinity) && performance.now() < endAt;

  const client = async (n: number) => {
    for (let turn = n; goOn(); turn += connections) {
      const { headers, body } = requests[turn % requests.length] as Load['requests'][number];
      const askedAt = performance.now();
      const answer = await pool.request({
        method: 'POST',
        path: '/api/v1/orders',
        headers: { ...headers, 'content-type': 'application/json', 'idempotency-key': randomUUID() },
        body,
      });
      const text = await answer.body.text();
      if (answer.statusCode === 201) times.push(performance.now() - askedAt);
      else {
        failed += 1;
        firstFailure ||= `${answer.statusCode} ${text.slice(0, 300)}`;
      }
      if (pauseMs) await pause(pauseMs);
    }
  };
  await Promise.all(Array.from({ length: connections }, (_, n) => client(n)));
  const elapsed = (performance.now() - beganAt) / 1_000;
  await pool.close();
  if (failed > 0) throw new Error(`${failed} of ${failed + times.length} requests failed: ${firstFailure}`);
  return { done: times.length, seconds: elapsed, p50: quantile(times, 0.5), p99: quantile(times, 0.99) };
}
