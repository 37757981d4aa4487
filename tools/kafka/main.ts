import { join } from 'node:path';
import { parseArgs } from 'node:util';
import {
  askKafka,
  developmentFolder,
  dockerAnswers,
  kafkaContainer,
  kafkaStatus,
  KafkaUnavailable,
  removeKafka,
  removeKafkaContainer,
  startKafka,
  startKafkaContainer,
  stopKafka,
  stopKafkaContainer,
} from '@banyan/development';
import { WrongArguments } from '../shop-client/command-line';

const HELP = `A real Kafka for development, in the background. Its data survives a stop.

  npm run kafka [-- --brokers N]   starts it, or finds it running, and returns once it serves; N from 1 to 5, default 1
  npm run kafka -- status          what runs, and where; exit 1 if nothing serves
  npm run kafka -- stop            ends it; the data stays
  npm run kafka -- reset           ends it and deletes the data, without asking

A Kafka that KAFKA_BROKERS names is used where it is. Otherwise Docker Compose runs one, where a Docker engine answers, or
Java 17 and Maven do, in the folder kafka of BANYAN_FOLDER (default .banyan in the project); several brokers need the latter.
Standard output is the one line KAFKA_BROKERS=…: export $(npm run --silent kafka) hands it to what you start next.
Exits 0 when done, 1 when there is no Kafka to be had, 2 when it was called wrongly.
`;

const FAILED = 1;
const WRONG_ARGUMENTS = 2;
const FIRST_PORT = 9092;
const MOST_BROKERS = 5;

interface Request {
  folder: string;
  /** Absent: as many as there were, or one. */
  count?: number;
  given: string | undefined;
}

type Command = (request: Request) => Promise<number>;

const start: Command = async ({ folder, count, given }) => {
  if (given) return useGiven(given);
  const found = await kafkaStatus(folder);
  if (found?.serves && count !== undefined && count !== found.brokers.length) {
    throw new KafkaUnavailable(
      `${found.brokers.length} broker(s) are running, not ${count}: npm run kafka -- reset first, which deletes their data.`,
    );
  }
  if (found?.serves)
    return serves(
      'Kafka runs already',
      found.brokers.map(({ address }) => address),
    );
  // What was begun with Java goes on with Java: the data is there.
  if (!found && (count ?? 1) === 1 && dockerAnswers()) {
    say('Docker answers: starting the service kafka of docker-compose.yml …');
    return serves('Kafka serves in its container', [startKafkaContainer()]);
  }
  const began = Date.now();
  const kafka = await startKafka({
    folder,
    firstPort: FIRST_PORT,
    tell: say,
    ...(count !== undefined && { brokers: count }),
  });
  kafka.leave();
  const processes = kafka.nodes.map(({ pid }) => pid).join(', ');
  return serves(
    `Kafka serves after ${((Date.now() - began) / 1000).toFixed(1)} s: process ${processes}, data in ${folder}`,
    kafka.brokers,
  );
};

const status: Command = async ({ folder, given }) => {
  if (given) return useGiven(given);
  const found = await kafkaStatus(folder);
  for (const { id, address, pid } of found?.brokers ?? []) {
    say(`broker ${id}  ${address}  ${pid === null ? 'down' : `process ${pid}`}`);
  }
  if (found?.serves)
    return serves(
      `Kafka serves, data in ${folder}`,
      found.brokers.map(({ address }) => address),
    );
  const container = dockerAnswers() ? kafkaContainer() : null;
  if (container) return serves('Kafka runs in its container', [container]);
  say(found?.brokers.some(({ pid }) => pid !== null) ? 'Kafka runs and does not serve (yet).' : 'No Kafka runs here.');
  return FAILED;
};

const stop: Command = async ({ folder }) => {
  const found = await kafkaStatus(folder);
  const running = found?.brokers.filter(({ pid }) => pid !== null) ?? [];
  await stopKafka(folder);
  const container = dockerAnswers() ? kafkaContainer() : null;
  if (container) stopKafkaContainer();
  say(running.length > 0 || container ? 'Kafka is stopped; its data stays.' : 'No Kafka runs here.');
  return 0;
};

const reset: Command = async ({ folder }) => {
  await removeKafka(folder);
  if (dockerAnswers()) removeKafkaContainer();
  say('Kafka is stopped and its data deleted.');
  return 0;
};

const commands: Readonly<Record<string, Command>> = { start, status, stop, reset };

async function useGiven(given: string): Promise<number> {
  const answer = await askKafka(given.split(','));
  if (!answer) {
    throw new KafkaUnavailable(
      `No Kafka answers at KAFKA_BROKERS=${given}: start it, or unset the variable (see .env).`,
    );
  }
  return serves(`KAFKA_BROKERS is set and answers (${answer.brokerIds.length} broker(s)), so that one is used`, [
    given,
  ]);
}

function serves(how: string, brokers: string[]): number {
  say(`${how}.`);
  process.stdout.write(`KAFKA_BROKERS=${brokers.join(',')}\n`);
  return 0;
}

async function main(args: string[], environment: NodeJS.ProcessEnv): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: { brokers: { type: 'string' }, help: { type: 'boolean', short: 'h' } },
  });
  if (values.help) {
    process.stdout.write(HELP);
    return 0;
  }
  const [name = 'start', ...more] = positionals;
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (!command || more.length > 0) {
    throw new WrongArguments(`${positionals.join(' ')} is not one of ${Object.keys(commands).join(', ')}.`);
  }
  if (values.brokers !== undefined && (command !== start || !isCount(values.brokers))) {
    throw new WrongArguments(`--brokers takes a number from 1 to ${MOST_BROKERS}, and goes with a start.`);
  }
  return command({
    folder: join(developmentFolder(environment), 'kafka'),
    ...(values.brokers !== undefined && { count: Number(values.brokers) }),
    given: environment['KAFKA_BROKERS'],
  });
}

const isCount = (text: string) => /^\d$/.test(text) && Number(text) >= 1 && Number(text) <= MOST_BROKERS;

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

main(process.argv.slice(2), process.env).then(
  (code) => {
    process.exitCode = code;
  },
  (error: Error & { code?: unknown }) => {
    const wrong = error instanceof WrongArguments || String(error.code).startsWith('ERR_PARSE_ARGS');
    process.exitCode = wrong ? WRONG_ARGUMENTS : FAILED;
    if (wrong) say(`kafka: ${error.message}\nSee \`npm run kafka -- --help\`.`);
    else say(`kafka: ${typeof error.code === 'string' ? error.message : (error.stack ?? String(error))}`);
  },
);
