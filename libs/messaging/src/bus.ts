import { Injectable } from '@nestjs/common';
import { Database, statement } from '@banyan/persistence';
import { Sendable, Subscription } from './definitions';
import { LoggedMessage } from './envelope';
import { Outbox } from './outbox';
import { tellPublished } from './presence';

/** What a module tells the bus of itself. */
export interface Member {
  module: string;
  database: Database;
  publishes: readonly Sendable[];
  hears: readonly Subscription[];
}

/** How far one subscriber is with one source, for health and people. */
export interface EdgeState {
  source: string;
  subscriber: string;
  state: string;
}

/** What carries messages; connected when the app starts. */
export interface Carrier {
  /** Messages that a member has committed in this process. */
  committed(module: string, messages: LoggedMessage[]): void;
  caughtUp(module: string): Promise<void>;
  /** A member has made something that it holds due in this process. */
  madeDue(module: string): void;
  edges(): EdgeState[];
}

const retrying = statement<{ key: string }>(
  'held-message.retrying-keys',
  `SELECT DISTINCT key FROM held_message WHERE key = ANY($1::text[]) AND state = 'retrying'`,
);

/** The modules of this app, as far as messages are concerned. */
@Injectable()
export class Bus {
  readonly members = new Map<string, Member>();
  private carrier: Carrier | undefined;
  private hasEnded = false;

  join(member: Member): Outbox {
    this.members.set(member.module, member);
    return new Outbox(member.module, (messages) => this.committed(member, messages));
  }

  /** Undefined where the transport ends. */
  connect(carrier: Carrier | undefined): void {
    this.hasEnded = carrier === undefined;
    this.carrier = carrier;
  }

  private committed({ module, database }: Member, messages: LoggedMessage[]): void {
    // What is committed before the transport has started is read from the log when it does; after its end, by other instances.
    if (this.hasEnded) tellPublished(database).catch(() => undefined);
    else this.carrier?.committed(module, messages);
  }

  /**
   * Resolves once the module, in whichever instance, has handled, or holds, all that waited for it when this was called.
   * Waits for as long as a database is away; throws BusStopped where the bus stops first.
   */
  async caughtUp(module: string): Promise<void> {
    if (!this.carrier) throw new Error('The bus is not connected.');
    await this.carrier.caughtUp(module);
  }

  /** Of these keys, those with a message that the module failed to handle and will try again by itself. */
  async retrying(module: string, keys: readonly string[]): Promise<Set<string>> {
    const database = this.members.get(module)?.database;
    const rows = (await database?.query(retrying, [keys])) ?? [];
    return new Set(rows.map(({ key }) => key));
  }

  /** To be told of held messages that an operator has made due, so that they are not found by the clock only. */
  madeDue(module: string): void {
    this.carrier?.madeDue(module);
  }

  edges(): EdgeState[] {
    return this.carrier?.edges() ?? [];
  }
}
