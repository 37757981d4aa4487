import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describeWithOwnKafka } from '../../../test/kafka/describe-with-kafka';
import { KafkaUnavailable } from './errors';
import { KAFKA_VERSION, kafkaJars, whyNoKafka } from './kafka-jars';

describeWithOwnKafka("Kafka's jars", () => {
  let within: string;
  let told: string[];
  const fetch = (maven: string) => kafkaJars({ within, maven, tell: (line) => told.push(line) });

  beforeEach(() => {
    within = mkdtempSync(join(tmpdir(), 'banyan-jars-'));
    told = [];
  });

  afterEach(() => rmSync(within, { recursive: true, force: true }));

  it('are fetched once by two who start at the same time, of whom one waits', async () => {
    const maven = standIn('sleep 0.3; echo fetched >> "$within/fetches"; touch "$target/kafka.jar"');
    const [one, other] = await Promise.all([fetch(maven), fetch(maven)]);

    expect(one).toBe(join(within, `kafka-${KAFKA_VERSION}`));
    expect(other).toBe(one);
    expect(readdirSync(one)).toEqual(['kafka.jar']);
    expect(readFileSync(join(within, 'fetches'), 'utf8')).toBe('fetched\n');
    expect(told).toContainEqual(expect.stringContaining(`Waiting for process ${process.pid}`));

    told = [];
    await fetch('/nowhere/mvn');
    expect(told).toEqual([]);
  });

  it('are not taken for whole where a download was cut short', async () => {
    const draft = join(within, `kafka-${KAFKA_VERSION}-download`, 'draft', 'jars');
    mkdirSync(draft, { recursive: true });
    writeFileSync(join(draft, 'half.jar'), '');

    expect(readdirSync(await fetch(standIn('touch "$target/kafka.jar"')))).toEqual(['kafka.jar']);
  });

  it('that Maven cannot fetch are an error of one line, with its cause', async () => {
    const failing = standIn('touch "$target/half.jar"; echo "[ERROR] no route to the repository"; exit 1');
    const refusal: unknown = await fetch(failing).catch((error: unknown) => error);

    expect(refusal).toBeInstanceOf(KafkaUnavailable);
    expect((refusal as Error).message).toMatch(
      /^Maven could not fetch Kafka \(no route to the repository\): .*install Java 17/,
    );
    expect((refusal as Error).message).not.toContain('\n');
    expect(existsSync(join(within, `kafka-${KAFKA_VERSION}`))).toBe(false);
  });

  it('are not to be had without Maven, which is said in one line', async () => {
    await expect(fetch('/nowhere/mvn')).rejects.toThrow('There is no Maven here to fetch Kafka with: install Java 17');
    expect(whyNoKafka({ within, maven: standIn('') })).toBeNull();
  });

  /** A Maven that is asked its version, or does what is said here with `$target` for the jars. */
  function standIn(does: string): string {
    const program = join(within, 'mvn');
    writeFileSync(
      program,
      `#!/bin/sh
[ "$1" = --version ] && exit 0
within='${within}'
for argument; do case $argument in -DoutputDirectory=*) target=\${argument#*=};; esac; done
mkdir -p "$target"
${does}
`,
    );
    chmodSync(program, 0o755);
    return program;
  }
});
