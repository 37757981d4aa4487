import { aCustomer } from './shop/customer';
import { aVisitor, type Tokens } from './shop/visitor';

const refresh = ({ refreshToken }: Tokens) => ({ body: { refreshToken } });

test('a refresh token is good for one use, and gives the next one', async () => {
  const jane = await aCustomer();
  const visitor = aVisitor();
  const second: Tokens = await visitor.asks(200, 'POST', '/auth/token/refresh', refresh(jane.tokens!));
  const third: Tokens = await visitor.asks(200, 'POST', '/auth/token/refresh', refresh(second));
  expect(new Set([jane.tokens!, second, third].map(({ refreshToken }) => refreshToken)).size).toBe(3);
  jane.tokens = third;
  expect((await jane.looksAt('/users/me')).id).toBe(jane.id);
});

test('a spent refresh token that comes again revokes all that came of the same sign-in, and nothing else', async () => {
  const jane = await aCustomer();
  const visitor = aVisitor();
  const { email, password } = jane;
  const elsewhere: Tokens = await visitor.asks(200, 'POST', '/auth/token', { body: { email, password } });
  const second: Tokens = await visitor.asks(200, 'POST', '/auth/token/refresh', refresh(jane.tokens!));

  const refused = { code: 'invalid-refresh-token' };
  expect(await visitor.asks(401, 'POST', '/auth/token/refresh', refresh(jane.tokens!))).toMatchObject(refused);
  expect(await visitor.asks(401, 'POST', '/auth/token/refresh', refresh(second))).toMatchObject(refused);
  await visitor.asks(200, 'POST', '/auth/token/refresh', refresh(elsewhere));
});

test('of many who use one refresh token at the same moment one at most gets anywhere', async () => {
  const jane = await aCustomer();
  const answers = await Promise.all(
    Array.from({ length: 10 }, () => aVisitor().calls('POST', '/auth/token/refresh', refresh(jane.tokens!))),
  );
  expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
  expect(answers.filter(({ status }) => status === 401)).toHaveLength(9);
});

test('who signs out cannot refresh any more, and may sign out twice', async () => {
  const jane = await aCustomer();
  await jane.asks(204, 'POST', '/auth/logout', refresh(jane.tokens!));
  await jane.asks(204, 'POST', '/auth/logout', refresh(jane.tokens!));
  expect(await aVisitor().asks(401, 'POST', '/auth/token/refresh', refresh(jane.tokens!))).toMatchObject({
    code: 'invalid-refresh-token',
  });
});

test('nobody signs others out', async () => {
  const [jane, wickham] = await Promise.all([aCustomer(), aCustomer({ name: 'George Wickham' })]);
  await wickham.asks(204, 'POST', '/auth/logout', refresh(jane.tokens!));
  await aVisitor().asks(200, 'POST', '/auth/token/refresh', refresh(jane.tokens!));
});

test('an address is the same in capitals, and a wrong password is answered like an unknown address', async () => {
  const jane = await aCustomer();
  const { email, password } = jane;
  const visitor = aVisitor();
  await visitor.asks(200, 'POST', '/auth/token', { body: { email: email.toUpperCase(), password } });
  const wrong = await visitor.asks(401, 'POST', '/auth/token', { body: { email, password: 'not the password' } });
  const unknown = await visitor.asks(401, 'POST', '/auth/token', { body: { email: `no-${email}`, password } });
  expect(wrong).toEqual(unknown);
  expect(wrong.code).toBe('invalid-credentials');
});
