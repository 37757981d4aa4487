// Tokens come back for minutes, and reading one costs as much as forwarding its header.
const users = new Map<string, string | null>();
const MOST_USERS = 10_000;

/**
 * By which text a request is kept with one upstream; undefined where it does not matter which one it gets. The user is
 * taken from the access token without checking it: whoever forges one chooses an upstream, and is refused there.
 */
export function stickyKey(
  sticky: 'user' | 'key' | 'none',
  { authorization, idempotencyKey }: { authorization: string | undefined; idempotencyKey: string | undefined },
): string | undefined {
  if (sticky === 'none') return undefined;
  if (sticky === 'key') return idempotencyKey;
  return (authorization === undefined ? undefined : userOf(authorization)) ?? idempotencyKey;
}

function userOf(authorization: string): string | undefined {
  let user = users.get(authorization);
  if (user === undefined) {
    user = subjectOf(authorization);
    if (users.size >= MOST_USERS) users.clear();
    users.set(authorization, user);
  }
  return user ?? undefined;
}

function subjectOf(authorization: string): string | null {
  const payload = /^Bearer [\w-]+\.([\w-]+)\./i.exec(authorization)?.[1];
  if (payload === undefined) return null;
  try {
    const { sub } = JSON.parse(Buffer.from(payload, 'base64url').toString()) as { sub?: unknown };
    return typeof sub === 'string' ? sub : null;
  } catch {
    return null;
  }
}
