import {
  modulesOf,
  parseTopology,
  formatTopology,
  TopologyInvalid,
  upstreamsOf,
  type Topology,
} from '@banyan/topology';
import type { Logger } from 'pino';
import { Instance, type Hosting, type InstanceState } from './instance';
import { routingTable, type RoutingTable } from './routing-table';

/** Whence a topology came, and when it came into force. */
export interface Origin {
  readonly from: string;
  readonly at: Date;
}

/** A topology that was not taken: the one before it stayed in force. */
export interface RefusedTopology extends Origin {
  readonly reason: string;
}

/** An instance that a new topology no longer names is let finish, but not for ever. */
const FAREWELL_MS = 60_000;

/**
 * What is in force: the topology, the instances that it names and what they host, and the table made of the three. The
 * table is replaced as a whole, so a request sees one or the other.
 */
export class Routing {
  table: RoutingTable<Instance> = { routes: [], unknown: [] };
  topology: Topology | undefined;
  origin: Origin | undefined;
  refused: RefusedTopology | undefined;
  /** Modules that some instance has been ready for. */
  readonly reached = new Set<string>();
  /** By app and address. */
  private readonly instances = new Map<string, Instance>();
  private readonly prefixes = new Map<string, readonly string[]>();
  private readonly learned = new WeakMap<Instance, Hosting | undefined>();
  private taking: Promise<void> = Promise.resolve();

  constructor(
    private readonly connections: number,
    private readonly logger: Logger,
  ) {}

  /**
   * Brings a topology into force once its instances have been asked who they are. Throws TopologyInvalid, and remembers the
   * refusal, where it cannot be used; several are taken one after the other.
   */
  take(text: string, from: string): Promise<Topology> {
    const result = this.taking.then(() => this.takeNow(text, from));
    this.taking = result.then(
      () => undefined,
      () => undefined,
    );
    return result;
  }

  /** Brings other weights of one module into force. Throws TopologyInvalid like `take`. */
  async reweigh(module: string, weights: Record<string, number>, from: string): Promise<Topology> {
    const { topology } = this;
    if (!topology) throw new TopologyInvalid(from, ['there is nothing in force yet']);
    const routes = { ...topology.routes, [module]: { ...topology.routes[module], upstreams: weights } };
    return this.take(formatTopology({ ...topology, routes } as Topology), from);
  }

  /** Every instance in force. */
  all(): Instance[] {
    return [...this.instances.values()];
  }

  close(): void {
    for (const { connections } of this.all()) connections.destroy();
  }

  private async takeNow(text: string, from: string): Promise<Topology> {
    let topology: Topology;
    try {
      topology = parseTopology(text, from);
      refuseUnreachable(topology, from);
    } catch (error) {
      this.refused = { from, at: new Date(), reason: (error as Error).message };
      this.logger.error({ msg: `Refused: ${(error as Error).message}` });
      throw error;
    }
    const added = this.add(topology);
    await Promise.all(added.map((instance) => instance.look()));
    this.topology = topology;
    this.origin = { from, at: new Date() };
    this.refused = undefined;
    this.rebuild();
    this.letGo(topology);
    this.logger.info({ msg: `In force: ${topology.description} (${from})` });
    return topology;
  }

  private add({ apps }: Topology): Instance[] {
    const added: Instance[] = [];
    for (const [app, { instances }] of Object.entries(apps)) {
      for (const { address } of instances) {
        if (this.instances.has(nameOf(app, address))) continue;
        const instance = new Instance(app, address, this.connections, (one, before) => this.changed(one, before));
        this.instances.set(nameOf(app, address), instance);
        added.push(instance);
      }
    }
    return added;
  }

  private letGo({ apps }: Topology): void {
    const named = new Set(
      Object.entries(apps).flatMap(([app, { instances }]) => instances.map(({ address }) => nameOf(app, address))),
    );
    for (const [name, instance] of this.instances) {
      if (named.has(name)) continue;
      this.instances.delete(name);
      const farewell = setTimeout(() => instance.connections.destroy(), FAREWELL_MS).unref();
      void instance.connections.close().finally(() => clearTimeout(farewell));
    }
  }

  private changed(instance: Instance, before: InstanceState): void {
    const { state, app, address, reason, hosting } = instance;
    const name = nameOf(app, address);
    if (state !== before) {
      if (state === 'ready') this.logger.info({ msg: `${name} is ready (version ${hosting?.version})` });
      else this.logger.warn({ msg: `${name} is ${state}: ${reason}` });
    }
    if (state === 'ready') for (const { module } of hosting?.modules ?? []) this.reached.add(module);
    if (hosting === this.learned.get(instance)) return;
    this.learned.set(instance, hosting);
    for (const { module, prefixes } of hosting?.modules ?? []) this.prefixes.set(module, prefixes);
    if (this.topology) this.rebuild();
  }

  private rebuild(): void {
    const topology = this.topology as Topology;
    this.table = routingTable(topology, this.prefixes, (app, module) =>
      (topology.apps[app]?.instances ?? []).flatMap(({ address, weight }) => {
        const instance = this.instances.get(nameOf(app, address));
        // One that has never answered may yet turn out to host it.
        return instance && (!instance.hosting || instance.hosts(module)) ? [{ address, weight, instance }] : [];
      }),
    );
  }
}

const nameOf = (app: string, address: string) => `${app} at ${address}`;

/** A gateway needs to know where to go, which a topology need not say. */
function refuseUnreachable(topology: Topology, from: string): void {
  const nowhere = new Set(
    modulesOf(topology)
      .flatMap((module) => upstreamsOf(topology, module).map(({ app }) => app))
      .filter((app) => topology.apps[app]?.instances.length === 0),
  );
  if (nowhere.size > 0) {
    throw new TopologyInvalid(
      from,
      [...nowhere].map((app) => `apps.${app}.instances names no address, so the gateway cannot reach it`),
    );
  }
}
