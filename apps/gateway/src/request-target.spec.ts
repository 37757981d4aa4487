import { targetOf } from './request-target';

describe('the target of a request', () => {
  it.each([
    ['/api/v1/orders', '/api/v1/orders', '/api/v1/orders'],
    ['/api/v1/orders?limit=3&q=%20', '/api/v1/orders?limit=3&q=%20', '/api/v1/orders'],
    ['/api/v1/%6Frders/1', '/api/v1/%6Frders/1', '/api/v1/orders/1'],
    ['/api/v1/orders%2F1', '/api/v1/orders%2F1', '/api/v1/orders%2F1'],
    ['/%69nternal/modules', '/%69nternal/modules', '/internal/modules'],
    ['/api/v1/%zz', '/api/v1/%zz', null],
    ['/api/v1/%ff', '/api/v1/%ff', null],
    ['http://shop.example/api/v1/orders?x', '/api/v1/orders?x', '/api/v1/orders'],
    ['HTTPS://shop.example', '/', '/'],
    ['http://shop.example?x=/internal', '/?x=/internal', '/'],
    ['*', '/*', '/*'],
  ])('%s goes on as %s and is looked up as %s', (url, forward, path) => {
    expect(targetOf(url)).toEqual({ forward, path });
  });
});
