import { arm, disarmFailpoints, timesFired } from '@banyan/failpoints';
import { freshDatabase } from '../database/database';
import {
  whatDiesBeforeItsCommitIsReadAgain,
  whatFailsAfterItsCommitIsNotDoneAgain,
  whatIsDeliveredAgainHasItsEffectOnce,
} from './essential-checks';
import { openPostOffice } from './post-office';
import { describeOnEach } from './describe-on-each';

describeOnEach('promise 2: at least once, effect once', (transport) => {
  afterEach(disarmFailpoints);

  it('a message that is delivered again, at once or later, has its effect once', () =>
    whatIsDeliveredAgainHasItsEffectOnce(transport));

  it('a subscriber that is put back reads the log again and does nothing twice', async () => {
    const database = await freshDatabase();
    const before = await openPostOffice({ transport, database });
    await before.send({ street: 'Elm', text: 'one' }, { street: 'Oak', text: 'two' });
    await before.caughtUp();
    await before.databaseOf('town').query('UPDATE subscription SET position = 0');
    await before.databaseOf('town').query('UPDATE kafka_position SET next_offset = 0');
    await before.close();

    const after = await openPostOffice({ transport, database });
    await after.send({ street: 'Elm', text: 'three' });
    await after.caughtUp();
    expect(await after.texts('town', 'Elm')).toEqual(['one', 'three']);
    expect(await after.texts('town', 'Oak')).toEqual(['two']);
    await after.demolish();
  });

  it('what fails after its commit is not done again', () => whatFailsAfterItsCommitIsNotDoneAgain(transport));

  it('what dies before its commit is read again, and not put aside', () =>
    whatDiesBeforeItsCommitIsReadAgain(transport));

  it('what fails before its commit leaves nothing behind, and is done again', async () => {
    const office = await openPostOffice({ transport, environment: { BUS_RETRY_FIRST_DELAY_MS: '10' } });
    arm({ name: 'consumer.before-commit', act: 'throw', hit: 1 }, 'test');
    await office.send({ street: 'Elm', text: 'one' }, { street: 'Elm', text: 'two' });
    await office.caughtUp();
    expect(timesFired('consumer.before-commit')).toBe(1);
    expect(await office.texts('town')).toEqual(['one', 'two']);
    expect(await office.texts('village')).toEqual(['one', 'two']);
    await office.demolish();
  });
});
