import { existsSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { projectFolder } from '@banyan/development';
import { loadTopology, type Topology } from '@banyan/topology';
import { moduleData } from '../db/modules';

/** No topology has this name, nor is there such a file. The message lists those that there are. One line. */
export class UnknownTopology extends Error {
  constructor(name: string) {
    super(`There is no topology ${name}: take ${shippedTopologies().join(', ')}, or name a file of your own.`);
  }
}

/** The names of the topologies in deploy/topologies. */
export function shippedTopologies(): string[] {
  return readdirSync(topologiesFolder())
    .filter((file) => file.endsWith('.yaml'))
    .map((file) => file.slice(0, -'.yaml'.length))
    .sort();
}

/** The topology with this name, or in the file at this path. Throws UnknownTopology, or TopologyInvalid. */
export function findTopology(nameOrPath: string): Topology {
  const shop = moduleData.map(({ module }) => module);
  if (shippedTopologies().includes(nameOrPath))
    return loadTopology(join(topologiesFolder(), `${nameOrPath}.yaml`), shop);
  if (!existsSync(resolve(nameOrPath))) throw new UnknownTopology(nameOrPath);
  return loadTopology(resolve(nameOrPath), shop);
}

const topologiesFolder = () => join(projectFolder(), 'deploy', 'topologies');
