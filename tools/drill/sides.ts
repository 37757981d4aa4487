import type { ModuleMessages } from '@banyan/messaging';
import type { Topology } from '@banyan/topology';
import { exportedEvents } from '../topology/placement';

/*
 * Terminology
 *   side    apps that together host every module, each module once: where the shop is before a move, or after it
 *   share   how much of every hundred requests the side answers that the shop moves to
 */

export interface Side {
  readonly transport: Topology['transport'];
  /** The modules of each app. */
  readonly apps: Readonly<Record<string, readonly string[]>>;
}

/** A topic that an app sends over Kafka, and whose it is. */
export interface SentTopic {
  module: string;
  topic: string;
}

type Messages = Pick<ModuleMessages, 'module' | 'publishes' | 'hears'>;

/** Every module in one process. */
export const together = (modules: readonly string[]): Side => ({
  transport: 'in-process',
  apps: { monolith: modules },
});

/** One module in a process of its own, the rest together in another. */
export const apart = (module: string, modules: readonly string[]): Side => ({
  transport: 'mixed',
  apps: { rest: modules.filter((other) => other !== module), [module]: [module] },
});

/** The shop on one side only. */
export function alone(description: string, side: Side): Topology {
  return { description, transport: side.transport, databases: 'together', apps: appsOf(side), routes: {} };
}

/** The shop on both sides, which answer for every module by weights; the same users stay with one side meanwhile. */
export function sideBySide(description: string, from: Side, to: Side, share: number): Topology {
  const modules = Object.values(from.apps).flat();
  const routes = modules.map((module) => {
    const upstreams = { [hostOf(from, module)]: 100 - share, [hostOf(to, module)]: share };
    return [module, { upstreams, sticky: 'user', timeoutMs: 30_000, bodyLimitBytes: 1_048_576 }] as const;
  });
  return {
    ...{ description, transport: 'mixed', databases: 'together' },
    apps: { ...appsOf(from), ...appsOf(to) },
    routes: Object.fromEntries(routes),
  };
}

/** The modules of an app whose events are heard in another app of its side. */
export function exportedBy(side: Side, app: string, messages: readonly Messages[]): string[] {
  const elsewhere = Object.entries(side.apps).flatMap(([other, modules]) => (other === app ? [] : modules));
  return exportedEvents(side.apps[app] ?? [], elsewhere, messages);
}

/** What the apps of a side send over Kafka: events that are heard elsewhere, and commands to a module that is elsewhere. */
export function sentOverKafka(side: Side, messages: readonly Messages[]): SentTopic[] {
  if (side.transport === 'in-process') return [];
  return Object.entries(side.apps).flatMap(([app, modules]) => {
    const exported = exportedBy(side, app, messages);
    return messages
      .filter(({ module }) => modules.includes(module))
      .flatMap(({ module, publishes }) => {
        const goesOut = ({ kind, topic }: { kind: string; topic: string }) =>
          kind === 'event' ? exported.includes(module) : !modules.includes(topic.split('.')[0]!);
        const topics = new Set(publishes.filter(goesOut).map(({ topic }) => topic));
        return [...topics].map((topic) => ({ module, topic }));
      });
  });
}

function hostOf(side: Side, module: string): string {
  const [app] = Object.entries(side.apps).find(([, modules]) => modules.includes(module)) ?? [];
  if (app === undefined) throw new Error(`Nobody on this side hosts ${module}.`);
  return app;
}

const appsOf = ({ apps }: Side): Topology['apps'] =>
  Object.fromEntries(
    Object.entries(apps).map(([app, modules]) => [app, { modules: [...modules], resolver: 'static', instances: [] }]),
  );
