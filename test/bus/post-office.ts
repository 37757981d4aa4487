import 'reflect-metadata';
import { ConfigModule, loadSettings } from '@banyan/config';
import {
  Bus,
  command,
  connectBus,
  event,
  Handles,
  type Handling,
  hears,
  MessagingModule,
  messagingMigrations,
  Outbox,
  type Outgoing,
  type Received,
} from '@banyan/messaging';
import { Database, Migration, PersistenceModule } from '@banyan/persistence';
import { ConsoleLogger, Controller, INestApplication, Inject, Module } from '@nestjs/common';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { Client } from 'pg';
import { z } from 'zod';
import { freshDatabase, FreshDatabase } from '../database/database';
import { inProcess, Transport } from './transports';
import { soon } from './waiting';

/*
 * A domain of the suite's own, so that nothing here leans on the shop: a post office announces letters and orders parcels
 * to be carried; two places listen, each for itself.
 *
 * Terminology
 *   street   the key: letters of one street arrive in the order in which they were sent
 */

export const letterSent = event({
  type: 'post.letter-sent.v1',
  key: ({ street }) => street,
  schema: z.object({ street: z.string(), text: z.string() }),
  example: { street: 'Elm Street', text: 'hello' },
});

/** Of the same streams as letters, and heard by nobody: a subscriber must not stumble over it. */
export const streetPaved = event({
  type: 'post.street-paved.v1',
  key: ({ street }) => street,
  schema: z.object({ street: z.string() }),
  example: { street: 'Elm Street' },
});

export const streetErased = event({
  type: 'post.street-erased.v1',
  key: ({ street }) => street,
  schema: z.object({ street: z.string() }),
  example: { street: 'Elm Street' },
});

export const carryParcel = command({
  type: 'town.carry-parcel.v1',
  key: ({ street }) => street,
  schema: z.object({ street: z.string(), weight: z.number() }),
  example: { street: 'Elm Street', weight: 3 },
});

export type Letter = z.infer<typeof letterSent.schema>;
export type Place = 'town' | 'village';

const deliveries = class Deliveries1700000000100 {
  async up(runner: { query(sql: string): Promise<unknown> }): Promise<void> {
    await runner.query(`
      CREATE TABLE delivery (n bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, message_id text NOT NULL, type text NOT NULL,
        street text NOT NULL, sequence bigint NOT NULL, text text NOT NULL, batch integer NOT NULL)`);
  }

  async down(runner: { query(sql: string): Promise<unknown> }): Promise<void> {
    await runner.query('DROP TABLE delivery');
  }
} as unknown as Migration;

/** Failures are part of these tests; their log lines would bury the results. */
class Silent extends ConsoleLogger {
  constructor() {
    super({ logLevels: [] });
  }
}

export interface Delivery {
  message_id: string;
  type: string;
  street: string;
  sequence: number;
  text: string;
  batch: number;
}

/** What a test wants a place to do with messages before they are written down: throw, wait, look. */
export type Behaviour = (place: Place, messages: Received[], handling: Handling) => void | Promise<void>;

export interface PostOffice {
  app: INestApplication;
  database: FreshDatabase;
  bus: Bus;
  /** The publisher's own. */
  post: { database: Database; outbox: Outbox };
  databaseOf(place: Place): Database;
  /** Letters, all in one transaction. */
  send(...letters: Letter[]): Promise<void>;
  /** Messages of any kind, all in one transaction. */
  publish(...messages: Outgoing[]): Promise<void>;
  deliveries(place: Place): Promise<Delivery[]>;
  /** The texts delivered to a place, of one street where named. */
  texts(place: Place, street?: string): Promise<string[]>;
  held(place: Place): Promise<Held[]>;
  /** Resolves once everybody is past everything that was committed, or holds it. */
  caughtUp(): Promise<void>;
  /** How far a place has consumed the post's log, as its own database says; 0 if it never has. */
  positionOf(place: Place): Promise<number>;
  close(): Promise<void>;
  /** Closes, and removes the database. */
  demolish(): Promise<void>;
}

export interface Held {
  state: 'retrying' | 'parked' | 'waiting' | 'moved';
  street: string;
  sequence: number;
  attempts: number;
  code: string | null;
  error: string | null;
}

export interface Opening {
  database?: FreshDatabase;
  environment?: Record<string, string>;
  behave?: Behaviour;
  /** False: modules only, no transport; messages pile up in the log. Beside a connected office it acts as another process. */
  connected?: boolean;
  transport?: Transport;
  places?: readonly Place[];
  /** False: the post sends no parcels, and the town hears of none. */
  parcels?: boolean;
}

/** A post office on a database of its own (or on one that an earlier office left behind). */
export async function openPostOffice({
  database,
  environment,
  behave,
  connected = true,
  transport = inProcess,
  places = ['town', 'village'],
  parcels = true,
}: Opening = {}): Promise<PostOffice> {
  const fresh = database ?? (await freshDatabase());
  const behaviour: Behaviour = behave ?? (() => undefined);
  const settings = loadSettings({
    NODE_ENV: 'test',
    DATABASE_URL: fresh.url,
    LOG_LEVEL: 'silent',
    KAFKA_PREFIX: new URL(fresh.url).pathname.slice(1),
    ...transport.environment,
    ...environment,
  });
  const persistence = PersistenceModule.forModule({ module: 'post', migrations: messagingMigrations });
  const messaging = MessagingModule.forModule({
    module: 'post',
    persistence,
    publishes: [letterSent, streetPaved, streetErased, ...(parcels ? [carryParcel] : [])],
    hears: [],
  });
  @Module({ imports: [persistence, messaging], exports: [persistence, messaging] })
  class Post {
    constructor(@Inject(Outbox) readonly outbox: Outbox) {}
  }

  @Module({
    imports: [ConfigModule.forRoot(settings), Post, ...places.map((place) => placeModule(place, behaviour, parcels))],
  })
  class Office {}

  const moduleRef = await Test.createTestingModule({ imports: [Office] })
    .setLogger(new Silent())
    .compile();
  const app = moduleRef.createNestApplication(new FastifyAdapter());
  app.enableShutdownHooks([]);
  try {
    if (connected) {
      connectBus(app);
      await app.startAllMicroservices();
    }
    await app.init();
  } catch (error) {
    await app.close();
    if (!database) await fresh.drop();
    throw error;
  }
  const bus = app.get(Bus, { strict: false });
  const databaseOf = (place: string) => (bus.members.get(place) as { database: Database }).database;
  const post = { database: databaseOf('post'), outbox: app.get(Post).outbox };
  const publish = (...messages: Outgoing[]) => post.database.transaction((tx) => post.outbox.publish(tx, messages));
  const deliveries = (place: Place) => databaseOf(place).query<Delivery>('SELECT * FROM delivery ORDER BY n');
  return {
    app,
    database: fresh,
    bus,
    post,
    databaseOf,
    publish,
    send: (...letters) => publish(...letters.map((letter) => letterSent(letter))),
    deliveries,
    texts: async (place, street) => {
      const ofStreet = (await deliveries(place)).filter(
        (delivery) => street === undefined || delivery.street === street,
      );
      return ofStreet.map(({ text }) => text);
    },
    held: (place) =>
      databaseOf(place).query<Held>(
        `SELECT state, key AS street, sequence, attempts, error_code AS code, error FROM held_message ORDER BY key, sequence`,
      ),
    caughtUp: async () => {
      await soon(Promise.all(places.map((place) => bus.caughtUp(place))));
    },
    positionOf: async (place) => {
      // Across schemas, which a module's own role may not look into.
      return withAdmin(fresh, async (admin) => {
        const { rows } = await admin.query<{ position: string }>(transport.differs.position(place));
        return Number(rows[0]?.position ?? 0);
      });
    },
    close: () => app.close(),
    demolish: async () => {
      await app.close();
      await fresh.drop();
    },
  };
}

async function withAdmin<T>({ url }: FreshDatabase, work: (admin: Client) => Promise<T>): Promise<T> {
  const admin = new Client({ connectionString: url });
  await admin.connect();
  try {
    return await work(admin);
  } finally {
    await admin.end();
  }
}

function placeModule(place: Place, behave: Behaviour, hearsParcels: boolean) {
  const subscription = <Data>(kind: 'event' | 'command', type: string, schema: z.ZodType<Data>, example: Data) =>
    hears({ subscriber: place, kind, type, schema, example: example as never });
  const letters = subscription(
    'event',
    'post.letter-sent.v1',
    z.object({ street: z.string(), text: z.string() }),
    letterSent.example,
  );
  const erasures = subscription(
    'event',
    'post.street-erased.v1',
    z.object({ street: z.string() }),
    streetErased.example,
  );
  const parcels = subscription(
    'command',
    'town.carry-parcel.v1',
    z.object({ street: z.string(), weight: z.number() }),
    carryParcel.example,
  );

  const carries = place === 'town' && hearsParcels;
  const persistence = PersistenceModule.forModule({ module: place, migrations: [...messagingMigrations, deliveries] });
  const messaging = MessagingModule.forModule({
    module: place,
    persistence,
    publishes: [],
    hears: carries ? [letters, erasures, parcels] : [letters, erasures],
  });

  @Controller()
  class ReceivesLetters {
    constructor(@Inject(Database) readonly database: Database) {}

    @Handles(letters)
    async onLetters(messages: Received<typeof letters>[], handling: Handling): Promise<void> {
      await behave(place, messages, handling);
      await writeDown(handling, messages, ({ text }) => text);
    }

    @Handles(erasures, { overtakes: true })
    async onErasure(messages: Received<typeof erasures>[], handling: Handling): Promise<void> {
      await behave(place, messages, handling);
      await writeDown(handling, messages, () => 'erased');
    }
  }

  @Controller()
  class CarriesParcels {
    @Handles(parcels)
    async onParcels(messages: Received<typeof parcels>[], handling: Handling): Promise<void> {
      await behave(place, messages, handling);
      await writeDown(handling, messages, ({ weight }) => `${weight} kg`);
    }
  }

  @Module({
    imports: [persistence, messaging],
    controllers: carries ? [ReceivesLetters, CarriesParcels] : [ReceivesLetters],
  })
  class PlaceModule {}
  return PlaceModule;
}

async function writeDown<Heard>(
  { tx }: Handling,
  messages: Received<Heard>[],
  text: (data: Received<Heard>['data']) => string,
): Promise<void> {
  await tx.query(
    `INSERT INTO delivery (message_id, type, street, sequence, text, batch)
     SELECT *, $6::int FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::text[])`,
    [
      messages.map(({ id }) => id),
      messages.map(({ type }) => type),
      messages.map(({ key }) => key),
      messages.map(({ sequence }) => sequence),
      messages.map(({ data }) => text(data)),
      messages.length,
    ],
  );
}
