import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePorts } from '@banyan/development';
import { freshDatabase, type FreshDatabase } from '../database/database';
import { Scratch } from './scratch';
import { stepsIn, type Step } from './steps';

const HOW_TO = 'docs/how-to/add-a-module.md';
const LONGEST_MS = 480_000;

const steps = stepsIn(readFileSync(join(__dirname, '../..', HOW_TO), 'utf8'));
const sections = [...new Set(steps.map(({ section }) => section))];

/** The whole gate takes minutes, and would come by here again: of it what the new files can spoil. */
const files = [...new Set(steps.flatMap((step) => (step.does === 'run' ? [] : [step.file])))];
const TYPES_OF_FILES = 'tsconfig.how-to.json';
const INSTEAD: Record<string, string[]> = {
  'npm run check': [
    `npx tsc --noEmit -p ${TYPES_OF_FILES}`,
    `npx prettier --check --ignore-unknown ${files.join(' ')}`,
    "npm test -- --selectProjects unit architecture --testPathPatterns 'error-codes|docs/documents|no-calls|names'",
  ],
};

describe(HOW_TO, () => {
  let database: FreshDatabase;
  let scratch: Scratch;
  let stuckIn: string | undefined;
  beforeAll(async () => {
    database = await freshDatabase();
    const [port] = await freePorts(1);
    const { TEST_DATABASE_URL = '' } = process.env;
    scratch = new Scratch({ TEST_DATABASE_URL, DATABASE_URL: database.url, PORT: String(port) });
    const sources = files.filter((file) => file.endsWith('.ts'));
    scratch.create(TYPES_OF_FILES, JSON.stringify({ extends: './tsconfig.json', files: sources }));
  });
  afterAll(async () => {
    await scratch.remove();
    await database.drop();
  });

  async function take(step: Step): Promise<void> {
    switch (step.does) {
      case 'create':
        return scratch.create(step.file, step.text);
      case 'change':
        return scratch.change(step.file, step.hunks);
      case 'run':
        if (step.command === 'npm start') return scratch.start(step.command, step.answer);
        if (!INSTEAD[step.command]) return scratch.run(step.command, step.answer);
        await Promise.all(INSTEAD[step.command]!.map((command) => scratch.run(command)));
    }
  }

  it.each(sections)(
    'can be followed: %s',
    async (section) => {
      if (stuckIn) throw new Error(`This was not tried, for “${stuckIn}” failed.`);
      stuckIn = section;
      for (const step of steps.filter((step) => step.section === section)) await take(step);
      await scratch.stop();
      stuckIn = undefined;
    },
    LONGEST_MS,
  );
});
