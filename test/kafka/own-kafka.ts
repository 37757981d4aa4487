import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startKafka, type KafkaCluster } from '../../libs/development/src';

/** A Kafka of one's own, to be killed and started again. It is gone after `stop()`, and when this process is. */
export async function startOwnKafka({ brokers = 1 } = {}): Promise<KafkaCluster & { folder: string }> {
  const folder = mkdtempSync(join(tmpdir(), 'banyan-test-kafka-'));
  const guarding = guard(folder);
  try {
    const kafka = await startKafka({ folder, brokers, tell: () => undefined });
    return {
      ...kafka,
      folder,
      stop: async () => {
        await kafka.stop();
        guarding.kill('SIGKILL');
        rmSync(folder, { recursive: true, force: true });
      },
    };
  } catch (error) {
    guarding.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
}

/** Kills the brokers and removes the folder when this process is gone, however it went: its end of the pipe closes then. */
function guard(folder: string): ChildProcess {
  const script = `cat
    for number in "$1"/broker-*/broker.pid; do kill -KILL "$(cat "$number")"; done
    while ! rm -rf "$1"; do sleep 0.1; done`;
  const shell = spawn('/bin/sh', ['-c', script, 'sh', folder], { detached: true, stdio: ['pipe', 'ignore', 'ignore'] });
  shell.unref();
  (shell.stdin as Socket).unref();
  return shell;
}
