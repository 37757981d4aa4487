import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { anAdmin } from './shop/admin';
import { aCustomer } from './shop/customer';
import { until } from './shop/eventually';
import { eventually } from './shop/order';
import { skippedLoudly, theShop } from './shop/shop';
import { aVisitor, type Tokens } from './shop/visitor';

test('what people confide to it is not told in its log', async () => {
  const { logFile, baseUrl } = theShop();
  if (logFile === null) return skippedLoudly('that the log keeps secrets; it is out of reach');

  const [admin, jane] = await Promise.all([anAdmin(), aCustomer()]);
  const { email, password } = jane;
  const wrong = { email, password: `wrong ${randomUUID()}` };
  await aVisitor().asks(401, 'POST', '/auth/token', { body: wrong });
  const registration = { body: { email, password, name: 'Jane' } };
  await aVisitor().asks(409, 'POST', '/users', registration);
  const spent = jane.tokens!;
  jane.tokens = await jane.asks(200, 'POST', '/auth/token/refresh', { body: { refreshToken: spent.refreshToken } });
  const tokens: Tokens = jane.tokens!;
  const malformed = `{"payment": {"token": "tok_approved"}, "email": "${email}"`;
  await jane.asks(400, 'POST', '/orders', { raw: malformed, idempotencyKey: randomUUID() });
  for (const paysWith of ['tok_approved', 'tok_error', 'tok_declined']) {
    await eventually(await jane.orders({ items: [[await admin.lists(), 1]], paysWith })).ends();
  }
  await jane.asks(204, 'POST', '/auth/logout', { body: { refreshToken: tokens.refreshToken } });
  await jane.asks(202, 'DELETE', '/users/me');

  const last = randomUUID();
  await fetch(`${baseUrl}/api/v1/products?limit=1`, { headers: { 'x-correlation-id': last } });
  const log = await until('the log tells of the last call', async () => {
    const text = await readFile(logFile, 'utf8');
    return text.includes(last) && text;
  });
  const secrets = {
    email,
    password,
    wrongPassword: wrong.password,
    accessToken: tokens.accessToken,
    refreshToken: tokens.refreshToken,
    spentRefreshToken: spent.refreshToken,
    paymentToken: 'tok_',
  };
  for (const [name, secret] of Object.entries(secrets)) {
    const told = log.split('\n').find((line) => line.toLowerCase().includes(secret.toLowerCase()));
    expect({ name, told }).toEqual({ name, told: undefined });
  }
});
