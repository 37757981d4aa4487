import { arm } from '@banyan/failpoints';
import { openPostOffice } from './post-office';
import { transports } from './transports';

/** A process of its own that opens an office, sends three letters to the street named like a failpoint, and is killed there. */
async function main([url, transportName, failpoint]: string[]): Promise<void> {
  const transport = transports.find(({ name }) => name === transportName);
  if (!url || !transport || !failpoint) throw new Error('usage: send-and-be-killed URL TRANSPORT FAILPOINT');
  const office = await openPostOffice({ transport, database: { url, drop: async () => {} } });
  await office.caughtUp();
  arm({ name: failpoint, act: 'kill', hit: 1 }, 'test');
  await office.send(...['one', 'two', 'three'].map((text) => ({ street: failpoint, text })));
}

void main(process.argv.slice(2));
