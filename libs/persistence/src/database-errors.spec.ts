import { QueryFailedError } from 'typeorm';
import { isContention, isDatabaseAway, isUniqueViolation } from './database-errors';

const coded = (code: string, rest: object = {}) => Object.assign(new Error('something'), { code, ...rest });
const wrapped = (error: Error) => new QueryFailedError('SELECT', [], error);

describe('errors of the database', () => {
  it.each(['ECONNREFUSED', '57P01', '57P03', '08006', '25P04', '53300'])('%s: it is away', (code) => {
    expect(isDatabaseAway(coded(code))).toBe(true);
    expect(isDatabaseAway(wrapped(coded(code)))).toBe(true);
  });

  it.each(['Connection terminated unexpectedly', 'timeout exceeded when trying to connect', 'Query read timeout'])(
    '"%s": it is away',
    (message) => expect(isDatabaseAway(new Error(message))).toBe(true),
  );

  it.each(['23505', '42P01', '40P01', 'SOME_CODE'])('%s: it is there', (code) => {
    expect(isDatabaseAway(coded(code))).toBe(false);
  });

  it('anything may be asked about', () => {
    for (const thrown of [undefined, null, 'text', 7, {}]) {
      expect([isDatabaseAway(thrown), isContention(thrown), isUniqueViolation(thrown)]).toEqual([false, false, false]);
    }
  });

  it('deadlocks and serialisation failures are contention', () => {
    expect([isContention(coded('40P01')), isContention(wrapped(coded('40001'))), isContention(coded('23505'))]).toEqual(
      [true, true, false],
    );
  });

  it('a unique violation may be asked for by its constraint', () => {
    const error = wrapped(coded('23505', { constraint: 'sku_key' }));
    expect([isUniqueViolation(error), isUniqueViolation(error, 'sku_key'), isUniqueViolation(error, 'other')]).toEqual([
      true,
      true,
      false,
    ]);
  });
});
