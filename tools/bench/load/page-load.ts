/**
 * A program of the bench: asks for the same page as fast as it is answered, on bare sockets, since a client that did more
 * would be measured and not the gateway.
 */
import { connect } from 'node:net';
import { performance } from 'node:perf_hooks';
import { answerQuestions } from '../answering';
import { quantile } from '../statistics';

export interface PageLoad {
  port: number;
  connections: number;
  seconds: number;
}

export interface PagesLoaded {
  perSecond: number;
  /** Microseconds from request to answer. */
  p50: number;
}

answerQuestions({ load });

const request = (port: number) =>
  Buffer.from(
    `GET /api/v1/products?limit=4 HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nAccept: application/json\r\n` +
      `Accept-Encoding: gzip\r\nUser-Agent: banyan-bench\r\nAuthorization: Bearer ${'x'.repeat(400)}\r\n\r\n`,
  );

async function load({ port, connections, seconds }: PageLoad): Promise<PagesLoaded> {
  const times: number[] = [];
  const beganAt = performance.now();
  const endAt = beganAt + seconds * 1_000;
  const asking = request(port);

  const client = () =>
    new Promise<void>((resolve, reject) => {
      const socket = connect({ port, host: '127.0.0.1', noDelay: true });
      let askedAt = 0;
      let held = '';
      let missing = -1;
      const ask = () => {
        askedAt = performance.now();
        held = '';
        missing = -1;
        socket.write(asking);
      };
      const hear = (bytes: Buffer) => {
        if (missing === -1) {
          held += bytes.toString('latin1');
          const end = held.indexOf('\r\n\r\n');
          if (end === -1) return;
          const length = /^HTTP\/1\.1 200 [\s\S]*?content-length: (\d+)/i.exec(held)?.[1];
          if (length === undefined) return void socket.destroy(new Error(`not the page: ${held.slice(0, 300)}`));
          missing = end + 4 + Number(length) - held.length;
        } else {
          missing -= bytes.length;
        }
        if (missing > 0) return;
        const now = performance.now();
        times.push((now - askedAt) * 1_000);
        if (now < endAt) ask();
        else socket.end();
      };
      socket.on('connect', ask).on('data', hear).on('error', reject).on('close', resolve);
    });
  await Promise.all(Array.from({ length: connections }, client));
  const elapsed = (performance.now() - beganAt) / 1_000;
  return { perSecond: times.length / elapsed, p50: quantile(times, 0.5) };
}
