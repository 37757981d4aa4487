import { types, type ClientConfig } from 'pg';

const INT8 = 20;

/**
 * How a reference connects: with what the product's own sessions are set to. Without a schema it is the superuser, who
 * names schemas in its statements, and whose triggers find their tables in that of orders; with one it is that module's role.
 */
export function sessionOn(url: string, schema?: string): ClientConfig & { pipeline: boolean } {
  const settings = {
    timezone: 'UTC',
    jit: 'off',
    plan_cache_mode: 'force_generic_plan',
    enable_seqscan: 'off',
    enable_bitmapscan: 'off',
    enable_hashjoin: 'off',
    enable_mergejoin: 'off',
    search_path: schema ?? 'orders',
    ...(schema === undefined ? {} : { role: `banyan_${schema}` }),
  };
  return {
    connectionString: url,
    options: Object.entries(settings)
      .map(([name, value]) => `-c ${name}=${value}`)
      .join(' '),
    pipeline: true,
    types: { getTypeParser: (oid: number) => (oid === INT8 ? Number : types.getTypeParser(oid)) } as typeof types,
  };
}
