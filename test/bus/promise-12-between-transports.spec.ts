import { freshDatabase } from '../database/database';
import { describeWithKafka } from '../kafka/describe-with-kafka';
import { openPostOffice, type PostOffice } from './post-office';
import { inProcess, kafka } from './transports';
import { until } from './waiting';

// Whoever relays and is told nothing looks at the log every ten seconds.
const SOONER_THAN_BY_THE_CLOCK_MS = 8_000;

describeWithKafka('promise 12: movable (from one transport to the other)', () => {
  it('all go over Kafka and back while messages flow: nothing is lost, done twice or out of order', async () => {
    const database = await freshDatabase();
    const sent: string[] = [];
    const send = async (through: PostOffice) => {
      for (let count = 0; count < 10; count += 1) {
        const text = `letter ${sent.length}`;
        sent.push(text);
        await through.send({ street: 'Elm', text });
      }
    };
    let office = await openPostOffice({ database, transport: inProcess });
    try {
      await send(office);
      for (const transport of [kafka, inProcess, kafka]) {
        const next = await openPostOffice({ database, transport });
        await send(office);
        await send(next);
        await Promise.all([send(next), office.close()]);
        office = next;
        await send(office);
      }
      for (const place of ['town', 'village'] as const) {
        await until(async () => (await office.texts(place)).length >= sent.length, 30_000);
        expect(await office.texts(place)).toEqual(sent);
      }
    } finally {
      await office.close();
      await database.drop();
    }
  }, 120_000);

  it('what somebody sent last who leaves is handed over at once', async () => {
    const database = await freshDatabase();
    const old = await openPostOffice({
      database,
      transport: inProcess,
      behave: (_, messages) => {
        const isLast = messages.some(({ data }) => (data as { text: string }).text === 'last');
        if (isLast) throw Object.assign(new Error('Its own database is away.'), { code: 'ECONNREFUSED' });
      },
    });
    const next = await openPostOffice({ database, transport: kafka });
    try {
      await old.send({ street: 'Elm', text: 'first' });
      await old.caughtUp();
      // It has just looked at the log, and will not for a while by itself.
      await next.caughtUp();
      await old.send({ street: 'Elm', text: 'last' });
      await old.close();
      await until(async () => (await next.texts('town')).length === 2, SOONER_THAN_BY_THE_CLOCK_MS);
      expect(await next.texts('town')).toEqual(['first', 'last']);
    } finally {
      await next.close();
      await database.drop();
    }
  }, 60_000);
});
