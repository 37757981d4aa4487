import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describeWithOwnKafka } from '../../test/kafka/describe-with-kafka';

// The first Kafka ever waits for a download.
jest.setTimeout(180_000);

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'banyan-kafka-'));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

function run(args: string[], environment: NodeJS.ProcessEnv = {}) {
  const source = ['--require', join(__dirname, '../../test/run-from-source.cjs'), join(__dirname, 'main.ts')];
  const { KAFKA_BROKERS: _, ...inherited } = process.env;
  const { status, stdout, stderr } = spawnSync(process.execPath, [...source, ...args], {
    encoding: 'utf8',
    env: { ...inherited, BANYAN_FOLDER: folder, ...environment },
  });
  return { status, stdout, stderr };
}

describe('npm run kafka', () => {
  it.each([[['nonsense']], [['--brokers', '9']], [['stop', '--brokers', '3']], [['stop', 'status']]])(
    'called with %j says what is wrong',
    (args) => {
      expect(run(args)).toEqual({ status: 2, stdout: '', stderr: expect.stringContaining('npm run kafka -- --help') });
    },
  );

  it('says in one line what to install where there is neither Docker nor Java', () => {
    const { status, stdout, stderr } = run([], { PATH: '/nowhere' });
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
    expect(stderr).toMatch(/^kafka: There is no Java here .*openjdk-17-jre-headless maven.*Docker.*KAFKA_BROKERS.*\n$/);
  });

  it('does not believe a KAFKA_BROKERS where nobody answers', () => {
    const { status, stderr } = run([], { KAFKA_BROKERS: '127.0.0.1:1' });
    expect(status).toBe(1);
    expect(stderr).toMatch(/^kafka: No Kafka answers at KAFKA_BROKERS=127.0.0.1:1: .*\n$/);
  });

  it('leaves it to Docker Compose where an engine answers', () => {
    const asked = join(folder, 'asked');
    const docker = join(folder, 'docker');
    writeFileSync(
      docker,
      `#!/bin/sh
echo "$*" >> '${asked}'
[ "$2" = port ] && echo 127.0.0.1:9092
exit 0
`,
    );
    chmodSync(docker, 0o755);
    const withDocker = { PATH: `${folder}:/nowhere` };

    expect(run([], withDocker)).toMatchObject({ status: 0, stdout: 'KAFKA_BROKERS=127.0.0.1:9092\n' });
    expect(run(['status'], withDocker)).toMatchObject({ status: 0, stdout: 'KAFKA_BROKERS=127.0.0.1:9092\n' });
    expect(run(['stop'], withDocker)).toMatchObject({ status: 0 });
    expect(run(['reset'], withDocker)).toMatchObject({ status: 0 });
    const acts = readFileSync(asked, 'utf8').split('\n');
    expect(acts.filter((act) => /\b(up|stop|rm)\b/.test(act))).toEqual([
      'compose up --detach --wait kafka',
      'compose stop kafka',
      'compose rm --stop --force kafka',
      'volume rm --force banyan_kafka',
    ]);
  });
});

describeWithOwnKafka('npm run kafka with Java', () => {
  // No Docker, wherever this runs.
  const here = () => {
    const docker = join(folder, 'docker');
    writeFileSync(docker, '#!/bin/sh\nexit 1\n');
    chmodSync(docker, 0o755);
    return { PATH: `${folder}:${process.env['PATH']}` };
  };

  afterEach(() => run(['reset'], here()));

  it('leaves a broker in the background, finds it again, ends it, and deletes its data when told to', () => {
    expect(run(['status'], here())).toMatchObject({ status: 1, stderr: 'No Kafka runs here.\n' });
    const started = run([], here());
    expect(started).toMatchObject({ status: 0, stdout: expect.stringMatching(/^KAFKA_BROKERS=127\.0\.0\.1:\d+\n$/) });
    const given = { KAFKA_BROKERS: started.stdout.trim().split('=')[1] };

    expect(run([], here())).toMatchObject({ status: 0, stdout: started.stdout, stderr: 'Kafka runs already.\n' });
    expect(run(['status'], here())).toMatchObject({ status: 0, stdout: started.stdout });
    expect(run([], given)).toMatchObject({ status: 0, stderr: expect.stringContaining('that one is used') });
    expect(run(['--brokers', '3'], here())).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('reset first'),
    });

    expect(run(['stop'], here())).toMatchObject({ status: 0, stderr: 'Kafka is stopped; its data stays.\n' });
    expect(run(['status'], here())).toMatchObject({ status: 1, stdout: '' });
    expect(existsSync(join(folder, 'kafka', 'broker-1', 'data'))).toBe(true);
    expect(run(['reset'], here())).toMatchObject({ status: 0 });
    expect(existsSync(join(folder, 'kafka'))).toBe(false);
  });
});
