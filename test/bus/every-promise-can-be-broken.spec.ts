import { describeWithKafka } from '../kafka/describe-with-kafka';
import { brokenOverKafka, brokenParts } from './broken/broken-parts';
import { inProcess, kafka } from './transports';
import { impatiently } from './waiting';

// Far more than anything takes that does come true, and short enough to wait for all that does not.
const PATIENCE_MS = 2_000;

describe('a bus with a part that breaks its promise is caught', () => {
  afterEach(() => jest.restoreAllMocks());

  it.each(brokenParts)('$promise: it $how', async ({ seenBy, complaint, break: breakIt }) => {
    breakIt();
    await expect(impatiently(PATIENCE_MS, () => seenBy(inProcess))).rejects.toThrow(complaint);
  });

  it('in each of the twelve', () => {
    const broken = new Set(brokenParts.map(({ promise }) => promise));
    expect([...broken]).toEqual(Array.from({ length: 12 }, (_, n) => n + 1));
  });
});

describeWithKafka('a bus over Kafka with a part that breaks its promise is caught', () => {
  // A group takes its time to begin, and that must not be what is complained of.
  const patienceMs = 4 * PATIENCE_MS;
  afterEach(() => jest.restoreAllMocks());

  it.each(brokenOverKafka)('$promise: it $how', async ({ seenBy, complaint, break: breakIt }) => {
    breakIt();
    await expect(impatiently(patienceMs, () => seenBy(kafka))).rejects.toThrow(complaint);
  });
});
