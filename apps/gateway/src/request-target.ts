/** Where a request wants to go: what is sent on, and the path by which its route is found. */
export interface Target {
  /** Path and query as they were sent. */
  readonly forward: string;
  /** Without the query; escapes that mean nothing special are undone, as the apps' router does. Null: malformed. */
  readonly path: string | null;
}

// An address with a scheme, as clients send it to proxies: its authority says no more than the Host header must.
const ABSOLUTE = /^https?:\/\/[^/?#]*/i;

/** Reads the target of a request line. */
export function targetOf(url: string): Target {
  let forward = url;
  if (!forward.startsWith('/')) {
    forward = forward.replace(ABSOLUTE, '');
    if (!forward.startsWith('/')) forward = `/${forward}`;
  }
  const query = forward.indexOf('?');
  const path = query === -1 ? forward : forward.slice(0, query);
  if (!path.includes('%')) return { forward, path };
  try {
    return { forward, path: decodeURI(path) };
  } catch {
    return { forward, path: null };
  }
}
