import type { Announcer } from '@banyan/messaging';
import { statement } from '@banyan/persistence';
import { userRenamed } from './messages';

// Nobody may be renamed, or erased, before the name that was read is announced: the erasure then finds it in the log.
const page = statement<{ id: string; name: string }>(
  'users.users-to-announce',
  'SELECT id, name FROM account WHERE $1::uuid IS NULL OR id > $1 ORDER BY id LIMIT $2 FOR SHARE',
);

/** Says the name of every user, as if each had just been renamed. */
export const announceUsers: Announcer = {
  of: 'users',
  page: async (tx, after, limit) =>
    (await tx.query(page, [after, limit])).map(({ id, name }) => ({
      cursor: id,
      message: userRenamed({ userId: id, name }),
    })),
};
