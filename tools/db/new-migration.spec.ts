import { newMigration } from './new-migration';

const now = new Date('2026-11-20T12:00:00.000Z');

describe('a new migration', () => {
  it('is named by what it does and by when it was made', () => {
    const made = newMigration('add-coupons-2', now, { up: [], down: [] });
    expect(made).toMatchObject({ file: 'add-coupons-2.ts', className: 'AddCoupons21795176000000' });
    expect(made.text).toContain('export class AddCoupons21795176000000 implements MigrationInterface');
  });

  it('holds the statements of the difference, and the way back', () => {
    const { text } = newMigration('add-coupons', now, {
      up: ['CREATE TABLE "coupon" ("code" text)', "COMMENT ON TABLE coupon IS 'a `quoted` ${word}'"],
      down: ['DROP TABLE "coupon"'],
    });
    expect(text).toContain('      CREATE TABLE "coupon" ("code" text);\n');
    expect(text).toContain("'a \\`quoted\\` \\${word}';\n");
    expect(text).toMatch(/down\(.*\n.*`\n {6}DROP TABLE "coupon";\n/);
  });
});
