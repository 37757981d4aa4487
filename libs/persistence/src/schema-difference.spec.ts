import 'reflect-metadata';
import { Column, Entity, PrimaryColumn, type QueryRunner } from 'typeorm';
import { freshDatabase, type FreshDatabase } from '../../../test/database/database';
import { migrate, prepareDatabase, schemaDifference } from './index';

@Entity('pear')
class Pear {
  @PrimaryColumn('uuid') id!: string;
  @Column('text') name!: string;
}

let database: FreshDatabase;

beforeAll(async () => {
  database = await freshDatabase();
  await prepareDatabase('pears', database.url);
});

afterAll(() => database.drop());

it('the difference makes the schema what the entities say, and leaves other tables alone', async () => {
  const before = await schemaDifference('pears', database.url, [Pear]);
  expect(before.up).toEqual([expect.stringContaining('CREATE TABLE')]);
  expect(before.down).toEqual([expect.stringContaining('DROP TABLE')]);

  class CreatePears1795183200001 {
    async up(runner: QueryRunner): Promise<void> {
      await runner.query(before.up.join(';'));
      await runner.query('CREATE TABLE written_by_hand (id uuid)');
    }
    async down(): Promise<void> {}
  }
  await migrate('pears', database.url, [CreatePears1795183200001 as never]);

  expect(await schemaDifference('pears', database.url, [Pear])).toEqual({ up: [], down: [] });
});
