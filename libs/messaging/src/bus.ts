import { Injectable } from '@nestjs/common';
import { Database } from '@banyan/persistence';
import { Sendable, Subscription } from './definitions';
import { LoggedMessage } from './envelope';
import { Outbox } from './outbox';

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
  edges(): EdgeState[];
}

/** The modules of this app, as far as messages are concerned. */
@Injectable()
export class Bus {
  readonly members = new Map<string, Member>();
  private carrier: Carrier | undefined;

  join(member: Member): Outbox {
    this.members.set(member.module, member);
    // What is committed before the transport has started is read from the log when it does.
    return new Outbox(member.module, (messages) => this.carrier?.committed(member.module, messages));
  }

  connect(carrier: Carrier | undefined): void {
    this.carrier = carrier;
  }

  /** Resolves once the module has handled, or holds, all that waited for it when this was called. */
  async caughtUp(module: string): Promise<void> {
    if (!this.carrier) throw new Error('The bus is not connected.');
    await this.carrier.caughtUp(module);
  }

  edges(): EdgeState[] {
    return this.carrier?.edges() ?? [];
  }
}
