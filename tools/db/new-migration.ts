export interface NewMigration {
  /** The file's name, without its folder. */
  file: string;
  className: string;
  text: string;
}

/**
 * A migration to be read, mended and committed by a person. `name` says what it does, in words joined by dashes:
 * `add-coupons`. Without statements it is an empty one, for SQL written by hand.
 */
export function newMigration(name: string, now: Date, difference: { up: string[]; down: string[] }): NewMigration {
  // TypeORM orders migrations by the 13 digits at the end of their names.
  const className = `${name.replaceAll(/(?:^|-)([a-z0-9])/g, (_, first: string) => first.toUpperCase())}${now.getTime()}`;
  return {
    file: `${name}.ts`,
    className,
    text: `import type { MigrationInterface, QueryRunner } from 'typeorm';

export class ${className} implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(\`${sqlOf(difference.up)}\`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(\`${sqlOf(difference.down)}\`);
  }
}
`,
  };
}

const sqlOf = (statements: string[]) =>
  statements.length === 0
    ? ''
    : `\n${statements.map((sql) => `      ${sql.replaceAll(/[\\`]|\$\{/g, (special) => `\\${special}`)};\n`).join('')}    `;
