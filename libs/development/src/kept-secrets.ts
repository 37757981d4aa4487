import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

export interface AdminLogin {
  email: string;
  password: string;
}

/** The admin of the shop in this folder, made up at the first start and kept in `admin.json`, for its owner's eyes only. */
export const keptAdmin = (folder: string): AdminLogin =>
  kept(join(folder, 'admin.json'), () => ({
    email: 'admin@banyan.example',
    password: randomBytes(12).toString('base64url'),
  }));

/** What the shop in this folder encrypts its private signing keys with, kept in `signing-key-secret.json`. */
export const keptSigningKeySecret = (folder: string): string =>
  kept(join(folder, 'signing-key-secret.json'), () => ({ secret: randomBytes(32).toString('base64url') })).secret;

function kept<T>(file: string, make: () => T): T {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as T;
  } catch (error) {
    if ((error as { code?: string }).code !== 'ENOENT') {
      throw new Error(`${file} cannot be read (${String(error)}): mend it, or move it away to have a new one made.`);
    }
  }
  const made = make();
  writeSecret(file, made);
  return made;
}

/** Writes the file whole or not at all, readable by its owner alone. */
export function writeSecret(file: string, content: unknown): void {
  mkdirSync(dirname(file), { recursive: true });
  const draft = `${file}.${process.pid}`;
  writeFileSync(draft, `${JSON.stringify(content, null, 2)}\n`, { mode: 0o600 });
  renameSync(draft, file);
}
