import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { Fuzz, type Report, type Senders } from './fuzz';

const senders: Senders = { known: new Map(), tokenOf: async () => undefined, hasLeft: () => undefined };
const responses = { '200': {}, '400': { content: { 'application/problem+json': { schema: {} } } } };
const document = {
  paths: {
    '/kites': {
      post: {
        operationId: 'kites.make',
        responses,
        requestBody: {
          required: true,
          content: {
            'application/json': {
              schema: {
                type: 'object',
                properties: { name: { type: 'string' }, tail: { type: 'integer' } },
                required: ['name', 'tail'],
              },
            },
          },
        },
      },
    },
  },
};

/** Runs against a server that answers a request's body with a status. */
async function fuzzed(statusFor: (body: string) => number, cases = 300): Promise<Report> {
  // Node would answer headers that are too long for it by itself, and not as a shop does.
  const server: Server = createServer({ maxHeaderSize: 100_000 }, (request, reply) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString('latin1')));
    request.on('end', () => {
      if (request.url === '/openapi.json') return reply.end(JSON.stringify(document));
      const status = statusFor(body);
      const problem = { type: 'x', title: 'x', status, detail: 'x', instance: 'x', code: 'validation-failed' };
      reply.writeHead(status, { 'x-correlation-id': '1', 'content-type': 'application/problem+json' });
      reply.end(status === 200 ? '' : JSON.stringify(problem));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const fuzz = await Fuzz.at(`http://127.0.0.1:${port}`, senders, { cases, seed: 42, folder: tmpdir() });
  try {
    return await fuzz.run();
  } finally {
    await fuzz.close();
    server.close();
  }
}

describe('a run', () => {
  it('finds nothing where every answer is as it should be, and sends as much as was asked for', async () => {
    const { findings, cases, statuses } = await fuzzed(() => 400);
    expect(findings).toEqual([]);
    expect([cases, statuses.get(400)]).toEqual([300, 300]);
  });

  it('finds a fault once, however often it comes, as a request that shows it and little else', async () => {
    const { findings, cases } = await fuzzed((body) => (body.includes('null') ? 500 : 400));
    expect(findings).toHaveLength(1);
    expect(findings[0]).toMatchObject({ operation: 'kites.make', complaint: 'is 500' });
    expect(findings[0]!.curl).toMatch(/^curl .* -X POST 'http:\/\/127\.0\.0\.1:\d+\/kites'.*null/);
    expect(findings[0]!.curl.length).toBeLessThan(300);
    // Making it small takes more of them.
    expect(cases).toBeGreaterThanOrEqual(300);
  });

  it('finds something for every kind of fault that a careless server has', async () => {
    const careless: Record<string, (body: string) => boolean> = {
      'a name twice': (body) => /"(name|tail)":.*"\1":/s.test(body),
      __proto__: (body) => body.includes('"__proto__"'),
      'deep nesting': (body) => body.includes('['.repeat(100)),
      'a long text': (body) => body.length > 50_000,
      'a large number': (body) => /\d{30}|e\+?\d/i.test(body),
      NUL: (body) => body.includes('\\u0000'),
      'half a surrogate pair': (body) => /\\ud8/i.test(body),
      'no body': (body) => body === '',
      'broken JSON': (body) => body.startsWith('{') && !body.trimEnd().endsWith('}'),
    };
    const names = Object.keys(careless);
    const { findings } = await fuzzed((body) => {
      const tripped = names.findIndex((name) => careless[name]!(body));
      return tripped < 0 ? 400 : 500 + tripped;
    }, 2_000);
    const found = names.filter((_, number) => findings.some(({ complaint }) => complaint === `is ${500 + number}`));
    expect(found).toEqual(names);
  });
});
