import { Database, statement, Transaction } from '@banyan/persistence';
import { Presence } from './presence';

export interface Ownership {
  source: string;
  /** Where to read on. */
  position: number;
  /** Rises with each new owner; a late one cannot commit under an old epoch. */
  epoch: number;
  /** Nothing of the source was gone when this subscriber began. */
  complete: boolean;
}

const taking = statement<{ position: number; epoch: number; complete: boolean }>(
  'subscription.take',
  `INSERT INTO subscription AS s (source, topics, position, complete, epoch, owner, presence, lease_until)
   VALUES ($1, $7::text[], $2, $3, 1, $4, $5, now() + $6 * interval '1 ms')
   ON CONFLICT (source) DO UPDATE
     SET epoch = s.epoch + 1, owner = $4, presence = $5, lease_until = now() + $6 * interval '1 ms', topics = $7,
         position = CASE WHEN s.topics @> $7 THEN s.position ELSE least(s.position, $2) END,
         complete = s.complete AND (s.topics @> $7 OR $3)
     WHERE s.moved_at IS NULL
       AND (s.owner = $4 OR s.lease_until < now() OR pg_try_advisory_xact_lock(s.presence))
   RETURNING position, epoch, complete`,
);

// To try whether somebody's lock is free is to take it, for as long as this statement takes.
const vacating = statement<{ source: string }>(
  'subscription.vacant',
  `SELECT source FROM subscription
   WHERE owner <> $1 AND moved_at IS NULL AND (lease_until < now() OR pg_try_advisory_xact_lock(presence))`,
);

const renewing = statement<{ source: string; epoch: number }>(
  'subscription.renew',
  // A row that is locked belongs to a batch under way, which renews it by itself and must not be waited for.
  `UPDATE subscription SET lease_until = now() + $2 * interval '1 ms'
   WHERE source IN (SELECT source FROM subscription WHERE owner = $1 FOR UPDATE SKIP LOCKED)
   RETURNING source, epoch`,
);

const moving = statement<{ source: string }>(
  'subscription.move',
  `UPDATE subscription SET position = greatest(position, $3), lease_until = now() + $4 * interval '1 ms'
   WHERE source = $1 AND epoch = $2 RETURNING source`,
);

/** How far a subscriber has consumed each of its sources, in its own schema, and which instance does it. */
export class Subscriptions {
  constructor(
    private readonly database: Database,
    private readonly presence: Presence,
    /** How long an owner keeps what it does not renew. */
    private readonly leaseMs: number,
  ) {}

  /**
   * Takes the consumption of a source over, if nobody else has it (the owner's lease has run out, or its session is gone),
   * and the subscriber was not exported.
   * `begin` is where a subscriber that has never been there starts: after what the source has dropped. One that listens
   * to a topic for the first time starts there again; what it has handled of the others, its memory drops.
   */
  async take(
    source: string,
    topics: ReadonlySet<string>,
    begin: { position: number; complete: boolean },
  ): Promise<Ownership | undefined> {
    const { owner, key } = this.presence;
    const { position, complete } = begin;
    const rows = await this.database.query(taking, [source, position, complete, owner, key, this.leaseMs, [...topics]]);
    return rows[0] && { source, ...rows[0] };
  }

  /** The sources that another instance owns, and can be taken over from it. */
  async vacant(): Promise<Set<string>> {
    const rows = await this.database.query(vacating, [this.presence.owner]);
    return new Set(rows.map(({ source }) => source));
  }

  /** Where a source was last consumed up to; undefined if never. */
  async positionOf(source: string): Promise<number | undefined> {
    const rows = await this.database.query<{ position: number }>(
      `SELECT position FROM subscription WHERE source = $1`,
      [source],
    );
    return rows[0]?.position;
  }

  /** Keeps what this instance owns for another lease; answers its epochs by source, without those of batches under way. */
  async renew(): Promise<Map<string, number>> {
    const rows = await this.database.query(renewing, [this.presence.owner, this.leaseMs]);
    return new Map(rows.map(({ source, epoch }) => [source, epoch]));
  }

  /**
   * Moves the position in the handler's own transaction, where the epoch is still ours; answers false where it is not, and
   * the transaction must then come to nothing. The row stays locked until commit, so owners follow one another. Outside
   * a transaction, with the Database itself, it only moves what nothing was handled for.
   */
  async move(tx: Pick<Transaction, 'query'>, { source, epoch }: Ownership, position: number): Promise<boolean> {
    return (await tx.query(moving, [source, epoch, position, this.leaseMs])).length === 1;
  }
}
