/**
 * SQL that is prepared once per connection under its name. Names are unique within a module and carry its
 * meaning (`orders.place`), since they show up in pg_stat_activity and in plans.
 * `Row` is the shape that a caller may rely on; bigint arrives as number, timestamptz as Date.
 */
export interface Statement<Row> {
  readonly name: string;
  readonly text: string;
  /** Only for the compiler: what a row looks like. */
  readonly row?: Row;
}

export function statement<Row>(name: string, text: string): Statement<Row> {
  return { name, text };
}
