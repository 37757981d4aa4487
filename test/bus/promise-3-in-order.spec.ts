import { carryParcel, letterSent, openPostOffice, Place, PostOffice } from './post-office';
import { transports } from './transports';
import { until } from './waiting';

const STREETS = ['Elm', 'Oak', 'Ash', 'Fir', 'Yew'];
const places: Place[] = ['town', 'village'];

describe.each(transports)('promise 3: in order per stream ($name)', (transport) => {
  const inLog = async (office: PostOffice, street: string) => {
    const rows = await office.post.database.query<{ id: string; sequence: number }>(
      `SELECT id, sequence FROM outbox WHERE topic = 'post.events' AND key = $1 ORDER BY position`,
      [street],
    );
    expect(rows.map(({ sequence }) => sequence)).toEqual(rows.map((_, n) => n + 1));
    return rows.map(({ id }) => id);
  };

  const expectEverythingInOrder = async (office: PostOffice) => {
    for (const street of STREETS) {
      const committed = await inLog(office, street);
      for (const place of places) {
        const heard = (await office.deliveries(place)).filter((delivery) => delivery.street === street);
        expect(heard.map(({ sequence }) => sequence)).toEqual(committed.map((_, n) => n + 1));
        expect(heard.map(({ message_id }) => message_id)).toEqual(committed);
      }
    }
  };

  /** Many publishers at once, each with several streets in a transaction, a fifth of them changing their mind. */
  const sendManyAtOnce = async (office: PostOffice, publishers: number, rounds: number) => {
    const publisher = async (name: number) => {
      for (let round = 0; round < rounds; round += 1) {
        const first = (name + round) % STREETS.length;
        const streets = [first, first, (first + name) % STREETS.length].map((n) => STREETS[n] as string);
        const sending = office.post.database.transaction(async (tx) => {
          await office.post.outbox.publish(
            tx,
            streets.map((street) => letterSent({ street, text: `${name}/${round}` })),
          );
          if ((name + round) % 5 === 0) throw new Error('changed my mind');
        });
        await sending.catch((error: Error) => expect(error.message).toBe('changed my mind'));
      }
    };
    await Promise.all(Array.from({ length: publishers }, (_, name) => publisher(name)));
  };

  it('concurrent publishers, of this process and of another, give each stream one gapless order that everybody keeps', async () => {
    const office = await openPostOffice({ transport });
    const elsewhere = await openPostOffice({ transport, database: office.database, connected: false });
    await Promise.all([sendManyAtOnce(office, 8, 15), sendManyAtOnce(elsewhere, 8, 15)]);
    await office.caughtUp();
    await expectEverythingInOrder(office);
    expect((await office.deliveries('town')).length).toBe(2 * 8 * 15 * 3 * 0.8);
    await elsewhere.close();
    await office.demolish();
  });

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
