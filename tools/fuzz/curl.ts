import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Request } from './requests';

const LONGEST_INLINE = 2_000;

/**
 * The request as a command for bash. The access token is left to a variable named after the sender, since it would have
 * expired by the time anybody reads this; what is long is kept as a file in the folder.
 */
export function curlOf({ method, path, headers, body, sender }: Request, baseUrl: string, folder: string): string {
  const authorised = headers.some(([name]) => name === 'Authorization');
  const words = ['curl', '-sS', '-i', '--path-as-is', '--globoff', '-X', method, quoted(`${baseUrl}${path}`)];
  for (const [name, value] of headers) {
    const header = value === '' ? `${name};` : `${name}: ${value}`;
    words.push(
      '-H',
      value.length > LONGEST_INLINE ? `@${kept(Buffer.from(header, 'latin1'), folder)}` : quoted(header),
    );
  }
  if (sender !== 'visitor' && !authorised) words.push('-H', `"Authorization: Bearer $${sender.toUpperCase()}"`);
  if (body) words.push('--data-binary', body.length > LONGEST_INLINE ? `@${kept(body, folder)}` : quotedBytes(body));
  return words.join(' ');
}

function kept(body: Buffer, folder: string): string {
  const file = join(folder, `${createHash('sha256').update(body).digest('hex').slice(0, 12)}.part`);
  mkdirSync(folder, { recursive: true });
  writeFileSync(file, body);
  return file;
}

const quoted = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;

function quotedBytes(bytes: Buffer): string {
  const text = bytes.toString('utf8');
  if (Buffer.from(text).equals(bytes) && !/[^\x20-\x7e]/.test(text)) return quoted(text);
  const escaped = [...bytes].map((byte) =>
    byte >= 0x20 && byte < 0x7f && byte !== 0x27 && byte !== 0x5c
      ? String.fromCharCode(byte)
      : `\\x${byte.toString(16).padStart(2, '0')}`,
  );
  return `$'${escaped.join('')}'`;
}
