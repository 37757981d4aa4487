import { unreadIn, type Place } from './topics';

const source = 'post';
const topic = 'post.events';
const at = (next: number, from = source): Place => ({ source: from, topic, partition: 0, next });

describe('what a subscriber has yet to read of a partition', () => {
  it.each([
    ['lies behind its place', [at(7)], { low: 0, high: 10 }, 3],
    ['is nothing at the end', [at(10)], { low: 0, high: 10 }, 0],
    ['is all where it never was', [], { low: 0, high: 10 }, 10],
    ['begins with what is kept', [at(2)], { low: 5, high: 10 }, 5],
    ['begins where it has looked at it for others', [at(6, 'bakery')], { low: 0, high: 10 }, 4],
    ['is all where the partition ends before its place, and so is another one', [at(12)], { low: 1, high: 10 }, 9],
  ])('%s', (_, places, extent, expected) => {
    expect(unreadIn(new Map([[topic, [extent]]]), places, { source, topics: [topic] })).toBe(expected);
  });
});

it('is counted over all partitions and topics, and is nothing of a topic that is not there', () => {
  const extents = new Map([[topic, [10, 4, 0].map((high) => ({ low: 0, high }))]]);
  expect(unreadIn(extents, [at(7)], { source, topics: [topic, 'town.commands'] })).toBe(7);
});
