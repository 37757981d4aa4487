import { sourcesIn } from './sources';

describe('names', () => {
  it('say what a thing is for', () => {
    expect(
      sourcesIn('apps', 'libs', 'tools', 'test')
        .map(({ path }) => path)
        .filter(saysNothing),
    ).toEqual([]);
  });

  it.each([
    'libs/common/src/index.ts',
    'libs/orders/src/shared/money.ts',
    'libs/core/src/index.ts',
    'libs/orders/src/utils.ts',
    'libs/orders/src/date-utils.ts',
    'libs/orders/src/order.helper.ts',
    'tools/helpers/csv.ts',
    'libs/messaging/src/consumer-manager.ts',
    'libs/messaging/src/base-consumer.ts',
    'libs/payments/src/provider.impl.ts',
  ])('must not be like %s', (path) => {
    expect(saysNothing(path)).toBe(true);
  });

  it.each(['libs/payments/src/commons-licence.ts', 'libs/orders/src/order.ts', 'libs/process-manager/src/index.ts'])(
    'may be like %s',
    (path) => {
      expect(saysNothing(path)).toBe(false);
    },
  );
});

const EMPTY = new Set([
  'common',
  'shared',
  'core',
  'util',
  'utils',
  'utilities',
  'helper',
  'helpers',
  'manager',
  'managers',
  'base',
  'impl',
  'misc',
]);

/** A process manager is a known pattern; any other manager is a thing whose job nobody could name. */
function saysNothing(path: string): boolean {
  const words = path
    .replaceAll('process-manager', '')
    .toLowerCase()
    .split(/[^a-z]+/);
  return words.some((word) => EMPTY.has(word));
}
