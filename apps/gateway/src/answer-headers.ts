import { dropNamed } from './request-headers';

const HOP_BY_HOP = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'proxy-authenticate',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** An answer's headers as the client gets them, names and values in turn, from those that the app behind us sent. */
export function answerHeaders(sent: Readonly<Record<string, string | string[] | undefined>>): string[] {
  const headers: string[] = [];
  for (const name in sent) {
    if (HOP_BY_HOP.has(name)) continue;
    const value = sent[name];
    if (typeof value === 'string') headers.push(name, value);
    else for (const one of value ?? []) headers.push(name, one);
  }
  const { connection } = sent;
  if (connection !== undefined) dropNamed(headers, String(connection));
  return headers;
}
