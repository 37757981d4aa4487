import { Client } from 'pg';
import { aLateOwnerHasNoEffect, whatADeadOwnerLeavesIsTakenOver } from './essential-checks';
import { openPostOffice, PostOffice } from './post-office';
import { transports } from './transports';

describe.each(transports)('promise 7: many instances ($name)', (transport) => {
  it('an owner that others have gone on without cannot commit an effect', () => aLateOwnerHasNoEffect(transport));

  it('what an owner leaves whose session is gone is taken over within seconds', () =>
    whatADeadOwnerLeavesIsTakenOver(transport));

  it('two instances share the work, and either goes on alone', async () => {
    const one = await openPostOffice({ transport });
    const two = await openPostOffice({ transport, database: one.database });
    await Promise.all([one.caughtUp(), two.caughtUp()]);
    const owners = [one, two].flatMap((office) => office.bus.edges().filter(({ state }) => state === 'running'));
    expect(owners.map(({ subscriber }) => subscriber).sort()).toEqual(['town', 'village']);

    const send = (office: PostOffice, text: string) => office.send({ street: 'Elm', text }, { street: text, text });
    for (let n = 0; n < 10; n += 1) await send(n % 2 === 0 ? one : two, String(n));
    await Promise.all([one.caughtUp(), two.caughtUp()]);
    await one.close();
    for (let n = 10; n < 20; n += 1) await send(two, String(n));
    await two.caughtUp();
    for (const place of ['town', 'village'] as const) {
      expect(await two.texts(place, 'Elm')).toEqual(Array.from({ length: 20 }, (_, n) => String(n)));
      expect(await two.texts(place)).toHaveLength(40);
    }
    await two.demolish();
  });

  it('who waits for the bus is told when it stops', async () => {
    const office = await openPostOffice({ transport });
    const other = new Client({ connectionString: office.database.url });
    await other.connect();
    await office.caughtUp();
    await other.query('BEGIN; LOCK TABLE town.stream_memory IN ACCESS EXCLUSIVE MODE');
    await office.send({ street: 'Elm', text: 'hello' });
    const waiting = expect(office.bus.caughtUp('town')).rejects.toThrow('The bus has stopped.');
    const closed = office.close();
    await other.query('ROLLBACK');
    await Promise.all([closed, waiting]);
    await other.end();
    await office.database.drop();
  });
});
