import { request } from 'node:http';

const MOST_BYTES = 16 << 20;

export interface Answered {
  readonly status: number;
  readonly text: string;
}

/**
 * Asks an instance something about itself, on a connection of its own: a kept one would still be served by an app that has
 * closed its port. Fails where there is no whole answer in time.
 */
export function ask(address: string, path: string, timeoutMs: number): Promise<Answered> {
  const [host = '', port] = address.split(':');
  return new Promise((resolve, reject) => {
    const signal = AbortSignal.timeout(timeoutMs);
    const asking = request({ host, port, path, agent: false, signal, headers: { accept: 'application/json' } });
    asking.on('error', (error) => reject(signal.aborted ? new Error(`no answer within ${timeoutMs} ms`) : error));
    asking.on('response', (answer) => {
      const chunks: Buffer[] = [];
      let bytes = 0;
      answer.on('data', (chunk: Buffer) => {
        chunks.push(chunk);
        bytes += chunk.length;
        if (bytes > MOST_BYTES) asking.destroy(new Error(`an answer of more than ${MOST_BYTES} bytes`));
      });
      answer.on('error', reject);
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, text: Buffer.concat(chunks).toString() }));
    });
    asking.end();
  });
}
