import { freePort, type House } from '../house';
import type { Program } from '../program';
import { isReady } from '../shop';

const DATABASE = 'bare_app';

/** The bare Nest + Fastify + TypeORM app in a process of its own. */
export class BareApp {
  private constructor(
    private readonly program: Program,
    readonly url: string,
  ) {}

  /** Makes its database, with its table. */
  static async prepare(house: House): Promise<string> {
    await house.createDatabase(DATABASE);
    await (await BareApp.start(house, DATABASE, 'yes')).stop();
    return DATABASE;
  }

  static async start(house: House, database: string, first: 'yes' | 'no' = 'no'): Promise<BareApp> {
    const port = await freePort();
    const program = house.start('reference/bare-app', {
      env: { NODE_ENV: 'production', DATABASE_URL: house.urlOf(database), PORT: String(port), FIRST: first },
    });
    const url = `http://127.0.0.1:${port}`;
    await program.until(() => isReady(url), 2);
    return new BareApp(program, url);
  }

  get pid(): number {
    return this.program.pid;
  }

  stop(): Promise<void> {
    return this.program.stop();
  }
}
