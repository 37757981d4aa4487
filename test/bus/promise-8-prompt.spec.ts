import {
  nobodyAsksMuchWhileNothingHappens,
  whatAnotherInstanceCommitsArrivesAtOnce,
  whatIsCommittedHereIsHandedOnInMemory,
} from './essential-checks';
import { openPostOffice } from './post-office';
import { describeOnEach } from './describe-on-each';
import { until } from './waiting';

describeOnEach('promise 8: prompt', (transport) => {
  it('a committed message is handed on in memory: it arrives though the log shows nothing to whoever reads it', () =>
    whatIsCommittedHereIsHandedOnInMemory(transport));

  it('what another instance has committed arrives at once, whichever of them consumes', () =>
    whatAnotherInstanceCommitsArrivesAtOnce(transport));

  it('who leaves says so, and the others take over at once', async () => {
    const one = await openPostOffice({ transport });
    await one.caughtUp();
    const two = await openPostOffice({ transport, database: one.database });
    await two.caughtUp();
    await until(() => two.bus.edges().every(({ state }) => state !== 'stopped'));
    await one.close();
    // By the clock it would be seen after two seconds.
    await until(() => two.bus.edges().every(({ state }) => state === 'running'), 1_500);
    await two.demolish();
  });

  it('what somebody has committed who tells nobody is found by the clock, also while this process is busy', async () => {
    const office = await openPostOffice({ transport });
    await office.caughtUp();
    const silent = await openPostOffice({ transport, database: office.database, connected: false });
    await silent.send({ street: 'Far', text: 'away' });
    let sent = 0;
    await until(async () => {
      await office.send({ street: 'Busy', text: String((sent += 1)) });
      return (await office.texts('town', 'Far')).length === 1;
    });
    await silent.close();
    await office.demolish();
  });

  it('an idle system asks the database next to nothing', () => nobodyAsksMuchWhileNothingHappens(transport));
});
