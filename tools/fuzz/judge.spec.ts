import { Api, listedCodes } from './api';
import { Judge, type Answer } from './judge';
import type { Request } from './requests';

const problem = { type: 'object', properties: { code: { type: 'string' } }, required: ['code'] };
const api = new Api({
  paths: {
    '/kites/{id}': {
      get: {
        operationId: 'kites.get',
        parameters: [{ name: 'id', in: 'path', required: true, schema: { type: 'string', format: 'uuid' } }],
        responses: {
          '200': { content: { 'application/json': { schema: { type: 'object', required: ['id'] } } } },
          '204': {},
          '404': { content: { 'application/problem+json': { schema: problem } } },
        },
      },
    },
  },
} as never);
const judge = new Judge(api, listedCodes());

const request: Request = {
  operation: api.operations[0]!,
  sender: 'visitor',
  method: 'GET',
  path: '/kites/1',
  headers: [],
  body: undefined,
  meant: true,
};
const notFound = {
  type: 'urn:x',
  title: 'Route not found',
  status: 404,
  detail: 'There is nothing at this path.',
  instance: '/',
  code: 'route-not-found',
};
const answer = (status: number, body: unknown, type = 'application/json'): Answer => ({
  status,
  headers: { 'content-type': type, 'x-correlation-id': 'one' },
  text: body === undefined ? '' : JSON.stringify(body),
});
const refusal = (changes: object = {}) => answer(404, { ...notFound, ...changes }, 'application/problem+json');

describe('an answer', () => {
  it.each<[string, Answer]>([
    ['as declared', answer(200, { id: 1 })],
    ['a refusal with a listed code', refusal()],
    ['empty where no body is declared', answer(204, undefined)],
  ])('%s is fine', (_, fine) => {
    expect(judge.complaintAbout(request, fine)).toBeNull();
  });

  it.each<[string, Answer, RegExp]>([
    ['an error of the shop’s own', answer(500, notFound, 'application/problem+json'), /is 500/],
    ['busy', answer(503, notFound, 'application/problem+json'), /is 503/],
    ['none', { status: 0, headers: {}, text: '' }, /is none/],
    ['a refusal in plain JSON', answer(404, notFound), /no problem\+json/],
    ['a refusal without a code', refusal({ code: undefined }), /without code/],
    ['a refusal with a code that is not listed', refusal({ code: 'oh-no' }), /docs\/errors.md does not list/],
    ['a refusal with a code of another status', refusal({ code: 'forbidden' }), /does not list with 404/],
    ['a refusal that says another status', refusal({ status: 400 }), /another status/],
    ['a stack trace', refusal({ detail: 'Oh\n    at f (/app/x.js:1:2)' }), /see inside/],
    ['SQL', refusal({ detail: 'select * from account' }), /see inside/],
    ['a status that is not declared', answer(202, { id: 1 }), /does not declare/],
    ['a shape that is not declared', answer(200, {}), /not as declared/],
    ['a body that is not declared', answer(204, {}), /declares none/],
    ['without a correlation id', { ...refusal(), headers: {} }, /X-Correlation-ID/],
    ['a header that came in with the request', withInjectedHeader(), /made up/],
  ])('%s is complained of', (_, wrong, complaint) => {
    expect(judge.complaintAbout(request, wrong)).toMatch(complaint);
  });
});

function withInjectedHeader(): Answer {
  return { ...refusal(), headers: { ...refusal().headers, 'x-injected': '1' } };
}
