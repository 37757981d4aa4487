import { loadSettings } from '@banyan/config';
import { createHttpApp } from '@banyan/http';
import { Database, PersistenceModule } from '@banyan/persistence';
import { Module } from '@nestjs/common';
import { z } from 'zod';
import { freshDatabase } from '../../../test/database/database';
import { until } from '../../../test/bus/waiting';
import { busHealth } from './bus-health';
import { connectBus } from './connect-bus';
import { event } from './definitions';
import { MessagingModule } from './messaging.module';
import { messagingMigrations } from './migrations';
import { Outbox } from './outbox';

const flown = event({
  type: 'kites.kite-flown.v1',
  key: ({ kite }) => kite,
  schema: z.object({ kite: z.string() }),
  example: { kite: 'red' },
});
const persistence = PersistenceModule.forModule({ module: 'kites', migrations: messagingMigrations });
@Module({
  imports: [persistence, MessagingModule.forModule({ module: 'kites', persistence, publishes: [flown], hears: [] })],
})
class KitesModule {
  constructor(
    readonly outbox: Outbox,
    readonly database: Database,
  ) {}
}

const edge = (state: string) => ({ source: 'kites', subscriber: 'tower', state });

describe('the health of the bus', () => {
  it('is degraded where an edge waits for something, and says which', () => {
    expect(busHealth([edge('running'), edge('away')])).toEqual({ status: 'degraded', waiting: ['kites → tower'] });
  });

  it('is well where others consume, and where there is nothing to carry', () => {
    expect(busHealth([edge('running'), edge('waiting')])).toEqual({ status: 'up' });
    expect(busHealth([])).toEqual({ status: 'up' });
  });

  it('leaves an app ready whose broker is away: it takes what is published', async () => {
    const database = await freshDatabase();
    const settings = loadSettings({
      ...{ NODE_ENV: 'test', LOG_LEVEL: 'silent', DATABASE_URL: database.url },
      ...{ EVENT_TRANSPORT: 'kafka', KAFKA_BROKERS: '127.0.0.1:1' },
    });
    const app = await createHttpApp(settings, [KitesModule]);
    try {
      connectBus(app);
      await app.init();
      await app.startAllMicroservices();
      const readiness = async () => {
        const { statusCode, payload } = await app.inject('/health/ready');
        return { statusCode, ...(JSON.parse(payload) as { status: string; details: Record<string, unknown> }) };
      };
      await until(async () => (await readiness()).status === 'degraded');
      expect(await readiness()).toMatchObject({
        statusCode: 200,
        details: { bus: { status: 'degraded', waiting: ['kites → banyan.kites.events'] } },
      });
      const kites = app.get(KitesModule);
      await kites.database.transaction((tx) => kites.outbox.publish(tx, [flown({ kite: 'red' })]));
    } finally {
      await app.close();
      await database.drop();
    }
  });
});
