import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { FolderInUse, KafkaUnavailable } from './errors';
import { holdFolder, type HeldFolder } from './folder-lock';
import { projectFolder } from './project-folder';

export const KAFKA_VERSION = '4.3.1';

const JAVA_NEEDED = 17;
const CURE =
  'install Java 17 or newer and Maven (on Debian: apt-get install openjdk-17-jre-headless maven), or Docker and let npm run kafka use it, or set KAFKA_BROKERS to a Kafka of your own.';

// What a broker is made of: Kafka itself with all it needs, and something that takes its log.
const POM = `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>banyan</groupId>
  <artifactId>kafka</artifactId>
  <version>1</version>
  <packaging>pom</packaging>
  <dependencies>
    <dependency>
      <groupId>org.apache.kafka</groupId>
      <artifactId>kafka_2.13</artifactId>
      <version>${KAFKA_VERSION}</version>
    </dependency>
    <dependency>
      <groupId>org.apache.logging.log4j</groupId>
      <artifactId>log4j-slf4j-impl</artifactId>
      <version>2.25.2</version>
      <scope>runtime</scope>
    </dependency>
  </dependencies>
</project>
`;

export interface KafkaJarsOptions {
  /** Where the folder of jars lies. Default: `.banyan` in the project, shared by every folder of development. */
  within?: string;
  /** The program that fetches them. Default: `mvn` of the PATH. */
  maven?: string;
  tell: (line: string) => void;
}

/**
 * The folder with Kafka's jars, fetched through Maven the first time (44 MB). It is there whole or not at all, however
 * often a download is cut short; of two starts at once, one waits for the other's download.
 * Throws KafkaUnavailable without a Java 17 or newer, and where Maven is missing or fails.
 */
export async function kafkaJars({
  within = join(projectFolder(), '.banyan'),
  maven = 'mvn',
  tell,
}: KafkaJarsOptions): Promise<string> {
  const hindrance = whyNoKafka({ within, maven });
  if (hindrance) throw new KafkaUnavailable(hindrance);
  const jars = jarsIn(within);
  if (existsSync(jars)) return jars;

  const downloads = `${jars}-download`;
  const held = await holdWhenFree(downloads, tell);
  try {
    if (!existsSync(jars)) await fetchThroughMaven(maven, join(downloads, 'draft'), jars, tell);
    return jars;
  } finally {
    held.release();
  }
}

/**
 * In one line why no broker can be started on this machine, and what to do about it; null where one can. Asks for
 * nothing but the programs: Maven may still fail to reach its repository.
 */
export function whyNoKafka({ within = join(projectFolder(), '.banyan'), maven = 'mvn' } = {}): string | null {
  const java = javaVersion();
  if (java === null) return `There is no Java here to run Kafka with: ${CURE}`;
  if (java < JAVA_NEEDED) return `Kafka needs Java ${JAVA_NEEDED} or newer and this is ${java}: ${CURE}`;
  if (existsSync(jarsIn(within)) || spawnSync(maven, ['--version']).status === 0) return null;
  return `There is no Maven here to fetch Kafka with: ${CURE}`;
}

const jarsIn = (folder: string) => join(folder, `kafka-${KAFKA_VERSION}`);

function javaVersion(): number | null {
  const asked = spawnSync('java', ['-version'], { encoding: 'utf8' });
  // Like `openjdk version "17.0.15"`, on standard error, whatever else JAVA_TOOL_OPTIONS makes it say before.
  const version = /version "(\d+)/.exec(asked.stderr ?? '')?.[1];
  return asked.status === 0 && version ? Number(version) : null;
}

async function holdWhenFree(folder: string, tell: (line: string) => void): Promise<HeldFolder> {
  let told = false;
  for (;;) {
    try {
      return holdFolder(folder);
    } catch (error) {
      if (!(error instanceof FolderInUse)) throw error;
      if (!told) tell(`Waiting for process ${error.pid ?? '?'}, which is fetching Kafka …`);
      told = true;
      await wait(200);
    }
  }
}

async function fetchThroughMaven(maven: string, draft: string, jars: string, tell: (line: string) => void) {
  const began = Date.now();
  tell(`Fetching Kafka ${KAFKA_VERSION} through Maven, this once (44 MB) …`);
  rmSync(draft, { recursive: true, force: true });
  mkdirSync(draft, { recursive: true });
  writeFileSync(join(draft, 'pom.xml'), POM);
  const { code, said } = await run(maven, draft, [
    '--batch-mode',
    '--quiet',
    'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies',
    '-DincludeScope=runtime',
    `-DoutputDirectory=${join(draft, 'jars')}`,
  ]);
  if (code !== 0) {
    rmSync(draft, { recursive: true, force: true });
    throw new KafkaUnavailable(`Maven could not fetch Kafka (${firstError(said)}): mend that, or ${CURE}`);
  }
  renameSync(join(draft, 'jars'), jars);
  rmSync(draft, { recursive: true, force: true });
  tell(`Kafka ${KAFKA_VERSION} is in ${jars}, after ${((Date.now() - began) / 1000).toFixed(1)} s.`);
}

function run(program: string, folder: string, args: string[]): Promise<{ code: number | null; said: string }> {
  return new Promise((answer) => {
    const child = spawn(program, args, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
    let said = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => (said += text));
    }
    child.once('error', (error) => answer({ code: null, said: error.message }));
    child.once('close', (code) => answer({ code, said }));
  });
}

function firstError(said: string): string {
  const lines = said.split('\n').map((line) => line.trim());
  const error =
    lines.find((line) => line.startsWith('[ERROR]')) ?? lines.find((line) => line !== '') ?? 'it said nothing';
  return error.replace(/^\[ERROR\]\s*/, '').slice(0, 300);
}
