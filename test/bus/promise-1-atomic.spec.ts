import { openPostOffice, PostOffice, letterSent } from './post-office';

describe('promise 1: atomic', () => {
  let office: PostOffice;
  beforeAll(async () => {
    office = await openPostOffice();
  });
  afterAll(async () => {
    await office.close();
    await office.database.drop();
  });

  it('everybody subscribed hears of what was committed', async () => {
    await office.send({ street: 'Elm', text: 'hello' });
    await office.caughtUp();
    expect(await office.deliveries('town')).toMatchObject([{ street: 'Elm', sequence: 1, text: 'hello' }]);
    expect(await office.deliveries('village')).toMatchObject([{ street: 'Elm', sequence: 1, text: 'hello' }]);
  });

  it('nobody ever hears of what was rolled back, and the stream has no hole', async () => {
    await expect(
      office.post.database.transaction(async (tx) => {
        await office.post.outbox.publish(tx, [letterSent({ street: 'Oak', text: 'never' })]);
        throw new Error('changed my mind');
      }),
    ).rejects.toThrow('changed my mind');
    await office.send({ street: 'Oak', text: 'first' });
    await office.caughtUp();
    const heard = (await office.deliveries('town')).filter(({ street }) => street === 'Oak');
    expect(heard).toMatchObject([{ text: 'first', sequence: 1 }]);
  });

  it('publishing outside a transaction throws, and so does publishing in one that is over', async () => {
    const letter = letterSent({ street: 'Oak', text: 'stray' });
    await expect(office.post.outbox.publish(undefined as never, [letter])).rejects.toThrow('outside an open transaction');
    const over = await office.post.database.transaction(async (tx) => tx);
    await expect(office.post.outbox.publish(over, [letter])).rejects.toThrow('outside an open transaction');
  });
});
