import { dataSourceOf, type Entities } from './connection';

/**
 * The SQL that brings the module's schema to what its entities say, and the way back. Tables without an entity are
 * left alone. Changes nothing.
 */
export async function schemaDifference(
  module: string,
  url: string,
  entities: Entities,
): Promise<{ up: string[]; down: string[] }> {
  const source = dataSourceOf(module, { url, poolSize: 1, transactionTimeoutMs: 0 }, entities, []);
  await source.initialize();
  try {
    const { upQueries, downQueries } = await source.driver.createSchemaBuilder().log();
    return { up: upQueries.map(({ query }) => query), down: downQueries.map(({ query }) => query).reverse() };
  } finally {
    await source.destroy();
  }
}
