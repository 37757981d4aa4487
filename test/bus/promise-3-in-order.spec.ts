import { everyStreamKeepsItsOrder, expectEverythingInOrder, sendManyAtOnce } from './essential-checks';
import { carryParcel, letterSent, openPostOffice } from './post-office';
import { describeOnEach } from './describe-on-each';
import { until } from './waiting';

describeOnEach('promise 3: in order per stream', (transport) => {
  it('concurrent publishers, of this process and of another, give each stream one gapless order that everybody keeps', () =>
    everyStreamKeepsItsOrder(transport));

  it('failures, retries, duplicates, delays and shuffling between streams change no order within one', async () => {
    let calls = 0;
    const office = await openPostOffice({
      transport,
      environment: {
        BUS_MISCHIEF: 'duplicate=0.3,delay=5,reorder=0.5',
        BUS_RETRY_ATTEMPTS: '50',
        BUS_RETRY_FIRST_DELAY_MS: '5',
        BUS_RETRY_MAX_DELAY_MS: '20',
      },
      behave: () => {
        calls += 1;
        if (calls % 7 === 0) throw new Error('every seventh time');
      },
    });
    await sendManyAtOnce(office, 6, 10);
    await office.caughtUp();
    await until(async () => (await office.held('town')).length + (await office.held('village')).length === 0);
    await expectEverythingInOrder(office);
    await office.demolish();
  });

  it('events and commands of one key are streams of their own, each counted for itself', async () => {
    const office = await openPostOffice({ transport });
    await office.publish(
      letterSent({ street: 'Elm', text: 'one' }),
      carryParcel({ street: 'Elm', weight: 1 }),
      letterSent({ street: 'Elm', text: 'two' }),
    );
    await office.caughtUp();
    const heard = (await office.deliveries('town')).map(({ type, sequence }) => `${type} ${sequence}`);
    expect(heard.sort()).toEqual(['post.letter-sent.v1 1', 'post.letter-sent.v1 2', 'town.carry-parcel.v1 1']);
    await office.demolish();
  });
});
