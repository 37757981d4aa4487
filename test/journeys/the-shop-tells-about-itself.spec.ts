import { Validator } from '@seriousme/openapi-schema-validator';
import { randomUUID } from 'node:crypto';
import { openApiOf } from './shop/door';
import { theShop } from './shop/shop';
import { aVisitor } from './shop/visitor';

test('in an OpenAPI document that is one, of version 3.1', async () => {
  const document = await openApiOf(theShop());
  expect(document['openapi']).toMatch(/^3\.1\./);
  const { valid, errors } = await new Validator().validate(document);
  expect({ valid, errors }).toEqual({ valid: true, errors: undefined });
});

test('with every call of the API, what it may answer, and what refuses it', async () => {
  const { paths, components } = await openApiOf(theShop());
  const calls = Object.entries<Record<string, any>>(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ call: `${method.toUpperCase()} ${path}`, operation })),
  );
  expect(calls.map(({ call }) => call.replace('/api/v1', '')).sort()).toEqual(
    expect.arrayContaining([
      'DELETE /users/me',
      'GET /orders',
      'GET /orders/{id}',
      'GET /orders/{id}/history',
      'GET /payments',
      'GET /payments/{id}',
      'GET /products',
      'GET /products/{id}',
      'GET /users/me',
      'GET /users/{id}',
      'PATCH /products/{id}',
      'PATCH /users/me',
      'POST /auth/logout',
      'POST /auth/token',
      'POST /auth/token/refresh',
      'POST /orders',
      'POST /orders/{id}/cancellation',
      'POST /payments/{id}/refunds',
      'POST /products',
      'POST /products/{id}/stock-adjustments',
      'POST /users',
    ]),
  );
  for (const { call, operation } of calls) {
    const statuses = Object.keys(operation.responses);
    expect({ call, succeeds: statuses.some((status) => status.startsWith('2')) }).toEqual({ call, succeeds: true });
    expect({ call, refuses: statuses.some((status) => status.startsWith('4')) }).toEqual({ call, refuses: true });
  }
  expect(Object.keys(components.schemas)).toContain('Problem');
});

test('to people, too, and to machines that ask how it is', async () => {
  const visitor = aVisitor();
  const docs = await visitor.calls('GET', '/docs');
  expect([docs.status, docs.headers['content-type']]).toEqual([200, expect.stringContaining('text/html')]);
  for (const path of ['/health/live', '/health/ready', '/metrics', '/asyncapi.json']) {
    expect([path, (await visitor.calls('GET', path)).status]).toEqual([path, 200]);
  }
});

test('with the correlation id that it was given, or one of its own', async () => {
  const correlationId = randomUUID();
  const headers = { 'x-correlation-id': correlationId };
  expect((await fetch(`${theShop().baseUrl}/api/v1/products`, { headers })).headers.get('x-correlation-id')).toBe(
    correlationId,
  );
  const own = (await fetch(`${theShop().baseUrl}/api/v1/products`)).headers.get('x-correlation-id');
  expect(own).toMatch(/\S{8,}/);
});
