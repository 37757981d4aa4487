import { once } from 'node:events';
import { openPostOffice } from './post-office';
import { transports } from './transports';

/** What a parent asks of an instance: to send numbered letters one by one, to go on, to close. */
export type Request = { send: string[]; street: string } | 'go on' | 'close';

/** The handler that gets this letter says so to the parent, and stands still until it is told to go on. */
export const STAND_STILL = 'stand still';

/** A process of its own with an office on a database that it shares with others. */
async function main([url, transportName]: string[]): Promise<void> {
  const transport = transports.find(({ name }) => name === transportName);
  if (!url || !transport) throw new Error('usage: instance URL TRANSPORT');
  const tell = (told: unknown) => process.send?.(told);
  const office = await openPostOffice({
    transport,
    database: { url, drop: async () => {} },
    environment: { BUS_LEASE_MS: '1500', DATABASE_TRANSACTION_TIMEOUT_MS: '4000' },
    behave: async (place, messages) => {
      if (place !== 'town' || !messages.some(({ data }) => (data as { text: string }).text === STAND_STILL)) return;
      tell(STAND_STILL);
      while ((await once(process, 'message'))[0] !== 'go on');
    },
  });
  const perform = async (request: Request) => {
    if (request === 'go on') return;
    if (request === 'close') {
      await office.close();
      process.disconnect();
    } else {
      for (const text of request.send) await office.send({ street: request.street, text });
      tell('sent');
    }
  };
  process.on('message', (request) => void perform(request as Request));
  await office.caughtUp();
  tell('open');
}

if (require.main === module) void main(process.argv.slice(2));
