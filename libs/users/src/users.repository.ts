import { isUniqueViolation, statement, type Database, type Transaction } from '@banyan/persistence';
import { Injectable } from '@nestjs/common';
import { EmailTaken, UserNotFound } from './errors';
import { foldedEmail, type User } from './user';

const COLUMNS = `id, email, name, roles, created_at AS "createdAt"`;

const add = statement<never>(
  'users.add',
  `INSERT INTO account (id, email, email_folded, name, roles, password_hash, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
);
const byId = statement<User>('users.by-id', `SELECT ${COLUMNS} FROM account WHERE id = $1`);
const forChange = statement<User>('users.for-change', `SELECT ${COLUMNS} FROM account WHERE id = $1 FOR UPDATE`);
const byEmail = statement<User & { passwordHash: string }>(
  'users.by-email',
  `SELECT ${COLUMNS}, password_hash AS "passwordHash" FROM account WHERE email_folded = $1`,
);
const rename = statement<never>('users.rename', 'UPDATE account SET name = $2 WHERE id = $1');
const makeAdmin = statement<never>(
  'users.make-admin',
  `UPDATE account SET roles = '{admin}', password_hash = $2 WHERE id = $1`,
);
const remove = statement<never>('users.remove', 'DELETE FROM account WHERE id = $1');

/** The accounts of those who have registered. */
@Injectable()
export class UsersRepository {
  /** Throws `EmailTaken`. */
  async add(tx: Transaction, user: User, passwordHash: string): Promise<void> {
    const { id, email, name, roles, createdAt } = user;
    try {
      await tx.query(add, [id, email, foldedEmail(email), name, roles, passwordHash, createdAt]);
    } catch (error) {
      if (isUniqueViolation(error, 'account_email')) throw new EmailTaken();
      throw error;
    }
  }

  /** Throws `UserNotFound`. */
  async get(from: Database | Transaction, id: string): Promise<User> {
    const [user] = await from.query(byId, [id]);
    if (!user) throw new UserNotFound(id);
    return user;
  }

  /** The user, locked until the transaction ends. Throws `UserNotFound`. */
  async forChange(tx: Transaction, id: string): Promise<User> {
    const [user] = await tx.query(forChange, [id]);
    if (!user) throw new UserNotFound(id);
    return user;
  }

  async withPassword(
    from: Database | Transaction,
    email: string,
  ): Promise<(User & { passwordHash: string }) | undefined> {
    const [user] = await from.query(byEmail, [foldedEmail(email)]);
    return user;
  }

  async rename(tx: Transaction, id: string, name: string): Promise<void> {
    await tx.query(rename, [id, name]);
  }

  async makeAdmin(tx: Transaction, id: string, passwordHash: string): Promise<void> {
    await tx.query(makeAdmin, [id, passwordHash]);
  }

  /** Removes the account, and with it the refresh tokens. */
  async remove(tx: Transaction, id: string): Promise<void> {
    await tx.query(remove, [id]);
  }
}
