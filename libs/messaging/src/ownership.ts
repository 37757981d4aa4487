import { Database, statement, Statement, Transaction } from '@banyan/persistence';
import { Presence } from './presence';

/*
 * Terminology
 *   destination   what a log, or a part of it, is carried to: a subscriber in its module's own schema, or a topic of Kafka
 *   owner         the instance that carries now, under an epoch that rises with each change
 */

export interface Ownership {
  /** The source of a subscriber, or the topic. */
  destination: string;
  /** Where to read on. */
  position: number;
  /** Rises with each new owner; a late one cannot commit under an old epoch. */
  epoch: number;
  /** Nothing of the source was gone when this began. */
  complete: boolean;
}

type Taken = Omit<Ownership, 'destination'>;

interface Statements {
  taking: Statement<Taken>;
  vacating: Statement<{ destination: string }>;
  renewing: Statement<{ destination: string; epoch: number }>;
  moving: Statement<{ destination: string }>;
  positioned: Statement<{ position: number }>;
}

/** The same for both tables: subscribers, which another transport may serve and which may be exported, and topics. */
function statementsFor(table: string, key: string, transport: string | null): Statements {
  const [column, value] = transport ? [', transport', `, '${transport}'`] : ['', ''];
  const stays = transport ? 'moved_at IS NULL AND' : '';
  return {
    taking: statement(
      `${table}.take`,
      `INSERT INTO ${table} AS s (${key}, topics, position, complete, epoch, owner, presence, lease_until${column})
       VALUES ($1, $7::text[], $2, $3, 1, $4, $5, now() + $6 * interval '1 ms'${value})
       ON CONFLICT (${key}) DO UPDATE
         SET epoch = s.epoch + 1, owner = $4, presence = $5, lease_until = now() + $6 * interval '1 ms', topics = $7,
             position = CASE WHEN s.topics @> $7 THEN s.position ELSE least(s.position, $2) END,
             complete = s.complete AND (s.topics @> $7 OR $3)${transport ? `, transport = '${transport}'` : ''}
         WHERE ${stays && `s.${stays}`} (s.owner = $4 OR s.lease_until < now() OR pg_try_advisory_xact_lock(s.presence))
       RETURNING position, epoch, complete`,
    ),
    // To try whether somebody's lock is free is to take it, for as long as this statement takes.
    vacating: statement(
      `${table}.vacant`,
      `SELECT ${key} AS destination FROM ${table}
       WHERE owner <> $1 AND ${stays} (lease_until < now() OR pg_try_advisory_xact_lock(presence))`,
    ),
    renewing: statement(
      `${table}.renew`,
      // A row that is locked belongs to a batch under way, which renews it by itself and must not be waited for.
      `UPDATE ${table} SET lease_until = now() + $2 * interval '1 ms'
       WHERE ${key} IN (SELECT ${key} FROM ${table} WHERE owner = $1 FOR UPDATE SKIP LOCKED)
       RETURNING ${key} AS destination, epoch`,
    ),
    moving: statement(
      `${table}.move`,
      `UPDATE ${table} SET position = greatest(position, $3), lease_until = now() + $4 * interval '1 ms'
       WHERE ${key} = $1 AND epoch = $2 RETURNING ${key} AS destination`,
    ),
    positioned: statement(`${table}.position`, `SELECT position FROM ${table} WHERE ${key} = $1`),
  };
}

const subscription = statementsFor('subscription', 'source', 'in-process');
const relay = statementsFor('relay', 'topic', null);

/** How far destinations have come, each in the schema that it belongs to, and which instance carries to them. */
export class Ownerships {
  private constructor(
    private readonly statements: Statements,
    private readonly database: Database,
    private readonly presence: Presence,
    /** How long an owner keeps what it does not renew. */
    private readonly leaseMs: number,
  ) {}

  /** A subscriber's, by source; `database` is the subscriber's. */
  static ofSubscriber(database: Database, presence: Presence, leaseMs: number): Ownerships {
    return new Ownerships(subscription, database, presence, leaseMs);
  }

  /** A publisher's, by topic of Kafka; `database` is the publisher's. */
  static ofTopics(database: Database, presence: Presence, leaseMs: number): Ownerships {
    return new Ownerships(relay, database, presence, leaseMs);
  }

  /**
   * Takes a destination over, if nobody else has it (the owner's lease has run out, or its session is gone), and it was
   * not exported. `begin` is where one that has never been there starts: after what the source has dropped. One that
   * listens to a topic for the first time starts there again; what it has handled of the others, its memory drops.
   */
  async take(
    destination: string,
    topics: ReadonlySet<string>,
    begin: { position: number; complete: boolean },
  ): Promise<Ownership | undefined> {
    const { owner, key } = this.presence;
    const { position, complete } = begin;
    const values = [destination, position, complete, owner, key, this.leaseMs, [...topics]];
    const [taken] = await this.database.query(this.statements.taking, values);
    return taken && { destination, ...taken };
  }

  /** The destinations that another instance owns, and can be taken over from it. */
  async vacant(): Promise<Set<string>> {
    const rows = await this.database.query(this.statements.vacating, [this.presence.owner]);
    return new Set(rows.map(({ destination }) => destination));
  }

  /** How far a destination has come; undefined if it never began. */
  async positionOf(destination: string): Promise<number | undefined> {
    const [row] = await this.database.query(this.statements.positioned, [destination]);
    return row?.position;
  }

  /** Keeps what this instance owns for another lease; answers its epochs, without those of batches under way. */
  async renew(): Promise<Map<string, number>> {
    const rows = await this.database.query(this.statements.renewing, [this.presence.owner, this.leaseMs]);
    return new Map(rows.map(({ destination, epoch }) => [destination, epoch]));
  }

  /**
   * Moves the position in the handler's own transaction, where the epoch is still ours; answers false where it is not, and
   * the transaction must then come to nothing. The row stays locked until commit, so owners follow one another. Without
   * a transaction it only moves what nothing was handled for.
   */
  async move(
    { destination, epoch }: Ownership,
    position: number,
    tx: Pick<Transaction, 'query'> = this.database,
  ): Promise<boolean> {
    return (await tx.query(this.statements.moving, [destination, epoch, position, this.leaseMs])).length === 1;
  }
}
