import type { ChildProcess } from 'node:child_process';
import { rmSync } from 'node:fs';
import type { EmbeddedPostgres } from '../../libs/development/src';

declare global {
  /** The server of this test run, where start.ts started one. */
  var testPostgres: (EmbeddedPostgres & { folder: string; guard: ChildProcess }) | undefined;
}

/** Jest's global teardown beside start.ts. With KEEP_DATABASE=1 the server stays, with the tests' databases in it. */
export default async function stop(): Promise<void> {
  const postgres = globalThis.testPostgres;
  if (!postgres) return;
  globalThis.testPostgres = undefined;
  delete process.env['TEST_DATABASE_URL'];
  postgres.guard.kill('SIGKILL');
  if (process.env['KEEP_DATABASE'] === '1') {
    postgres.leave();
    process.stderr.write(
      `PostgreSQL stays at ${postgres.url} (kill ${postgres.pid()} ends it); its folder is ${postgres.folder}.\n`,
    );
    return;
  }
  await postgres.stop();
  rmSync(postgres.folder, { recursive: true, force: true });
}
