import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  developmentFolder,
  projectFolder,
  startEmbeddedPostgres,
  startKafka,
  type EmbeddedPostgres,
  type KafkaCluster,
} from '@banyan/development';
import { Client } from 'pg';
import { Program, type ProgramOptions } from './program';

/** Where the bench's programs keep their servers and data: all of it its own, and gone once it is closed. */
export class House {
  private readonly programs = new Set<Program>();
  private broker: Promise<KafkaCluster> | undefined;

  private constructor(
    readonly folder: string,
    private readonly postgres: EmbeddedPostgres,
    /** Where what is to be kept goes: reports and profiles. */
    readonly kept: string,
  ) {}

  static async open(environment: NodeJS.ProcessEnv): Promise<House> {
    const kept = join(developmentFolder(environment), 'bench');
    mkdirSync(kept, { recursive: true });
    const folder = mkdtempSync(join(tmpdir(), 'banyan-bench-'));
    // Root's PostgreSQL runs as an unprivileged user, who has to get in.
    chmodSync(folder, 0o711);
    try {
      const postgres = await startEmbeddedPostgres({ folder: join(folder, 'postgres'), tell: () => undefined });
      return new House(folder, postgres, kept);
    } catch (error) {
      rmSync(folder, { recursive: true, force: true });
      throw error;
    }
  }

  get postgresPid(): number {
    return this.postgres.pid();
  }

  get postgresLog(): string {
    return join(this.folder, 'postgres', 'postgres.log');
  }

  urlOf(database: string): string {
    const url = new URL(this.postgres.url);
    url.pathname = `/${database}`;
    return url.href;
  }

  /** A new database, or a copy of one that nobody is connected to. */
  async createDatabase(name: string, template = 'template1'): Promise<string> {
    await this.sql('postgres', `CREATE DATABASE "${name}" TEMPLATE "${template}"`);
    return this.urlOf(name);
  }

  async dropDatabase(name: string): Promise<void> {
    await this.sql('postgres', `DROP DATABASE "${name}" WITH (FORCE)`);
  }

  /** A Kafka with one broker, started on first use. Throws KafkaUnavailable where this machine can have none. */
  kafka(): Promise<KafkaCluster> {
    this.broker ??= startKafka({ folder: join(this.folder, 'kafka'), tell: () => undefined });
    return this.broker;
  }

  /** Lets what was written before cost nothing of what is measured next. */
  async settleDown(): Promise<void> {
    await this.sql('postgres', 'CHECKPOINT');
  }

  /** As superuser, on a connection of its own. */
  async sql<Row>(database: string, text: string, values: unknown[] = []): Promise<Row[]> {
    const client = await this.connect(database);
    try {
      return (await client.query(text, values)).rows as Row[];
    } finally {
      await client.end();
    }
  }

  /** A superuser's connection that the caller ends. */
  async connect(database: string): Promise<Client> {
    const client = new Client(this.urlOf(database));
    // One that breaks when the server stops fails whoever uses it; without a listener it would end the bench.
    client.on('error', () => undefined);
    await client.connect();
    return client;
  }

  /** Starts one of the bench's programs, by its path below `tools/bench`. */
  start(name: string, options: Omit<ProgramOptions, 'file' | 'log'>): Program {
    return this.run({ ...options, file: join(__dirname, `${name}.js`), log: this.logOf(name) });
  }

  /** Starts an app of the product, by its path in `dist`. */
  startApp(path: string, options: Omit<ProgramOptions, 'file' | 'log'>): Program {
    return this.run({ ...options, file: join(projectFolder(), 'dist', path), log: this.logOf(path) });
  }

  /** Stops everything that was started, and removes what it wrote. */
  async close(): Promise<void> {
    await Promise.all([...this.programs].map((program) => program.stop()));
    const broker = await this.broker?.catch(() => undefined);
    await Promise.all([broker?.stop(), this.postgres.stop()]);
    rmSync(this.folder, { recursive: true, force: true });
  }

  private run(options: ProgramOptions): Program {
    const program = Program.start(options);
    this.programs.add(program);
    return program;
  }

  private logOf(name: string): string {
    return join(this.folder, `${name.replaceAll('/', '-')}.log`);
  }
}

/** A port of 127.0.0.1 that nobody listens on at this moment. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer().once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as AddressInfo;
      probe.close(() => resolve(port));
    });
  });
}
