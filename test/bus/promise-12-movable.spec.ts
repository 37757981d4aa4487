import { exportSubscriber, importSubscriber, PermanentError } from '@banyan/messaging';
import { freshDatabase } from '../database/database';
import { aMovedSubscriberGoesOn } from './essential-checks';
import { openPostOffice } from './post-office';
import { describeOnEach } from './describe-on-each';

const town = { subscriber: 'town', source: 'post' };

describeOnEach('promise 12: movable', (transport) => {
  it('a subscriber goes to another database while messages flow: nothing is lost, done twice or out of order', () =>
    aMovedSubscriberGoesOn(transport));

  it('what it held goes with it, and nobody tries it where it was; it can come back', async () => {
    let closed = true;
    const office = await openPostOffice({
      transport,
      behave: (place, messages) => {
        if (closed && place === 'town' && messages.some(({ key }) => key === 'Elm'))
          throw new PermanentError('no letter box');
      },
    });
    try {
      await office.send({ street: 'Elm', text: 'poison' }, { street: 'Elm', text: 'behind it' });
      await office.caughtUp();
      const before = await office.held('town');
      const exported = await exportSubscriber(office.databaseOf('town'), town);
      expect(await exportSubscriber(office.databaseOf('town'), town)).toMatchObject({ held: exported.held });
      closed = false;
      expect((await office.held('town')).map(({ state }) => state)).toEqual(['moved', 'moved']);
      await importSubscriber(office.databaseOf('town'), exported);
      expect(await office.held('town')).toEqual(before);
    } finally {
      await office.demolish();
    }
  });

  it('two memories are not made one, and nobody is exported who was never there', async () => {
    const office = await openPostOffice({ transport });
    try {
      await office.send({ street: 'Elm', text: 'one' });
      await office.caughtUp();
      const exported = await exportSubscriber(office.databaseOf('town'), town);
      await expect(importSubscriber(office.databaseOf('village'), exported)).rejects.toMatchObject({
        code: 'subscriber-is-here',
      });
      const strange = exportSubscriber(office.databaseOf('town'), { subscriber: 'town', source: 'nobody' });
      await expect(strange).rejects.toMatchObject({ code: 'never-subscribed' });
    } finally {
      await office.demolish();
    }
  });

  it('begun in a new database without its memory it would hear all again: so the memory goes first', async () => {
    const [here, there] = [await freshDatabase(), await freshDatabase()];
    const before = await openPostOffice({ transport, database: here });
    await before.send({ street: 'Elm', text: 'one' });
    await before.caughtUp();
    const exported = await exportSubscriber(before.databaseOf('town'), town);
    await before.close();
    const hasty = await openPostOffice({ transport, database: here, environment: { TOWN_DATABASE_URL: there.url } });
    await hasty.caughtUp();
    await expect(importSubscriber(hasty.databaseOf('town'), exported)).rejects.toMatchObject({
      code: 'subscriber-is-here',
    });
    await hasty.close();
    await here.drop();
    await there.drop();
  });
});
