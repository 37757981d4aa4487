import 'reflect-metadata';
import { moduleData } from '../../tools/db/modules';
import { sourcesIn, type Source } from './sources';

describe('modules call nobody', () => {
  it('but what lies outside the shop, from the one file that stands for it', () => {
    expect(callersIn(sourcesIn(...moduleData.map(({ module }) => `libs/${module}`)))).toEqual([]);
  });

  it.each([
    "const user = await fetch('http://users/api/v1/users/me');",
    "import { request } from 'undici';",
    "import { get } from 'node:http';",
    "import https from 'https';",
    "import { connect } from 'node:net';",
    "import { ClientProxy } from '@nestjs/microservices';",
    "import { HttpService } from '@nestjs/axios';",
    'const stock = this.moduleRef.get(StockRepository, { strict: false });',
  ])('and are caught at it: %s', (text) => {
    expect(callersIn([{ path: 'libs/orders/src/place-order.ts', text }])).toEqual(['libs/orders/src/place-order.ts']);
  });

  it.each([
    "import { EventPattern } from '@nestjs/microservices';",
    'const fetched = this.fetchAll;',
    '// fetch(everything)',
  ])('and are not suspected for nothing: %s', (text) => {
    expect(callersIn([{ path: 'libs/orders/src/place-order.ts', text }])).toEqual([]);
  });
});

/** Who talks to another process or to the insides of another module, instead of by messages. */
function callersIn(sources: Source[]): string[] {
  const calls = [
    /\bfetch\s*\(/,
    /['"](?:undici|axios|got|@nestjs\/axios|(?:node:)?(?:https?|http2|net|tls|dgram))['"]/,
    /\bClient(?:Proxy|sModule|Kafka)\b/,
    /strict:\s*false/,
  ];
  const outside = /^libs\/payments\/src\/simulated-provider\.ts$|\.spec\.ts$|^libs\/[^/]+\/test\//;
  return sources
    .filter(
      ({ path, text }) => !outside.test(path) && calls.some((call) => call.test(text.replaceAll(/^\s*\/\/.*$/gm, ''))),
    )
    .map(({ path }) => path);
}
