import { z } from 'zod';

/*
 * Terminology
 *   topology   which app hosts which module, and what carries messages between them
 *   app        a process, or several alike (its instances)
 *   upstream   an app as the gateway sees it: the instances that answer for it
 */

const name = z.string().regex(/^[a-z][a-z0-9-]*$/, 'must be a lower-case name like "payments"');

const address = z
  .string()
  .regex(/^[^\s:/]+:\d{1,5}$/, 'must be host:port')
  .refine((text) => Number(text.split(':')[1]) <= 65_535, 'must be host:port');

const weight = z.int().min(0).max(100);

const instance = z.strictObject({
  address,
  /** Its share of the requests, against the weights of the other instances. */
  weight: weight.default(100),
  /** What runs there, for people and headers. */
  version: z.string().default('unversioned'),
});

const route = z.strictObject({
  /** Apps that answer for the module, with their weights; unset: the one app that hosts it. */
  upstreams: z.record(name, weight).optional(),
  /** Keeps the requests of one signed-in user, or of one Idempotency-Key, with one upstream while weights stay. */
  sticky: z.enum(['user', 'key', 'none']).default('user'),
  /** How long an upstream may take to begin its answer. */
  timeoutMs: z.int().min(1).max(600_000).default(30_000),
  bodyLimitBytes: z.int().min(0).max(1_073_741_824).default(1_048_576),
});

export const topologySchema = z
  .strictObject({
    /** A sentence for people. */
    description: z.string(),
    transport: z.enum(['in-process', 'mixed', 'kafka']),
    /** One database with a schema per module, or a database per module. */
    databases: z.enum(['together', 'apart']).default('together'),
    apps: z.record(
      name,
      z.strictObject({
        modules: z.array(name).min(1),
        /** Where its instances listen. A file that names none is for a machine where the runner chooses. */
        resolver: z.literal('static').default('static'),
        instances: z.array(instance).default([]),
      }),
    ),
    /** What differs from the defaults, by module. */
    routes: z.record(name, route).default({}),
  })
  .superRefine(({ apps, routes, transport }, context) => {
    const complain = (path: PropertyKey[], message: string) => context.addIssue({ code: 'custom', path, message });
    const hosts = new Map<string, string[]>();
    for (const [app, { modules }] of Object.entries(apps)) {
      for (const module of modules) hosts.set(module, [...(hosts.get(module) ?? []), app]);
    }
    if (hosts.size === 0) complain(['apps'], 'names no app, so nothing would run');
    if (transport === 'in-process' && Object.keys(apps).length > 1) {
      complain(['transport'], 'in-process carries messages inside one app only; several need mixed or kafka');
    }
    for (const [module, apart] of hosts) {
      const weights = routes[module]?.upstreams;
      if (apart.length > 1 && !weights) {
        complain(['routes', module], `is hosted by ${apart.join(' and ')}: say with weights which of them answers`);
      }
    }
    for (const [module, { upstreams }] of Object.entries(routes)) {
      if (!hosts.has(module)) complain(['routes', module], 'is hosted by no app');
      if (!upstreams) continue;
      for (const app of Object.keys(upstreams)) {
        if (!hosts.get(module)?.includes(app))
          complain(['routes', module, 'upstreams', app], `does not host ${module}`);
      }
      if (!Object.values(upstreams).some((share) => share > 0)) {
        complain(['routes', module, 'upstreams'], 'leaves nobody to answer: all weights are 0');
      }
    }
  });

export type Topology = z.infer<typeof topologySchema>;
export type Route = z.infer<typeof route>;
export type Instance = z.infer<typeof instance>;

/** The apps that may answer for a module, each with its weight above 0. */
export function upstreamsOf({ apps, routes }: Topology, module: string): { app: string; weight: number }[] {
  const weights =
    routes[module]?.upstreams ??
    Object.fromEntries(
      Object.entries(apps).flatMap(([app, { modules }]) => (modules.includes(module) ? [[app, 100]] : [])),
    );
  return Object.entries(weights).flatMap(([app, share]) => (share > 0 ? [{ app, weight: share }] : []));
}

/** Every module that some app hosts, in the order of the file. */
export function modulesOf({ apps }: Topology): string[] {
  return [...new Set(Object.values(apps).flatMap(({ modules }) => modules))];
}

/** The route of a module as the file has it, defaults filled in. */
export function routeOf({ routes }: Topology, module: string): Route {
  return routes[module] ?? route.parse({});
}
