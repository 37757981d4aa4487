import { beginJourney, createLogger, inJourney } from './index';

function setup() {
  const lines: string[] = [];
  const logger = createLogger({ log: { level: 'info', pretty: false } }, { write: (line) => void lines.push(line) });
  return { logger, last: () => JSON.parse(lines.at(-1) as string) as Record<string, unknown>, lines };
}

describe('a log line', () => {
  it('carries the correlation id and the message id of its journey', () => {
    const { logger, last } = setup();
    inJourney({ ...beginJourney({ correlationId: 'c-1' }), messageId: 'm-1' }, () => logger.info('hello'));
    expect(last()).toMatchObject({ level: 'info', msg: 'hello', correlationId: 'c-1', messageId: 'm-1' });
    logger.info('outside');
    expect(last()).not.toHaveProperty('correlationId');
  });

  const jwt = 'eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl';

  it.each([
    ['a password', { body: { password: 'correct horse battery' } }, 'correct horse'],
    ['a password with quotes in it', { password: 'say "horse" \\' }, 'horse'],
    ['a refresh token', { deep: { er: { refreshToken: 'abc-def' } } }, 'abc-def'],
    ['an authorization header', { headers: { authorization: `Bearer ${jwt}` } }, jwt],
    ['an e-mail address', { email: 'jane@shop.example' }, 'jane'],
    ['an e-mail address in an error', new Error('Key (email)=(jane.o+x@shop.example) already exists'), 'jane'],
    ['an access token in a message', new Error(`bad token ${jwt}`), jwt],
    ['a card token', new Error('declined: tok_approved'), 'tok_approved'],
    ['a payment', { payment: { token: 'something' } }, 'something'],
    ['a database password', new Error('no route to postgres://shop:hunter2@db:5432/x'), 'hunter2'],
  ])('never carries %s', (_, content, secret) => {
    const { logger, lines, last } = setup();
    logger.error(content);
    expect(lines.join()).toContain('[redacted]');
    expect(lines.join()).not.toContain(secret);
    expect(last().level).toBe('error');
  });

  it('keeps what looks alike', () => {
    const { logger, lines } = setup();
    logger.info('at node_modules/@nestjs/core/router.js, find-my-way@9.3.0');
    expect(lines.join()).not.toContain('[redacted]');
  });

  it('is redacted in linear time', () => {
    const { logger } = setup();
    const start = performance.now();
    logger.info(`${'a.'.repeat(50_000)}`);
    expect(performance.now() - start).toBeLessThan(500);
  });
});
