import { join } from 'node:path';
import { projectFolder } from '@banyan/development';
import { findTopology, shippedTopologies, UnknownTopology } from './find-topology';

describe('a topology', () => {
  it('is found by its name, or by the path of a file', () => {
    const path = join(projectFolder(), 'deploy/topologies/split.yaml');
    expect(findTopology('split')).toEqual(findTopology(path));
    expect(Object.keys(findTopology('split').apps)).toEqual(['users', 'orders', 'payments', 'inventory']);
  });

  it('that is not there is refused in one line with those that are', () => {
    expect(() => findTopology('banana')).toThrow(UnknownTopology);
    expect(() => findTopology('banana')).toThrow(shippedTopologies().join(', '));
    expect(shippedTopologies()).toEqual(expect.arrayContaining(['monolith', 'payments-out', 'split-databases']));
  });
});
