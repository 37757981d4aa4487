import { randomBytes } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { hash, verify } from '@node-rs/argon2';
import { Injectable } from '@nestjs/common';
import { Busy } from './errors';

// What OWASP recommends for argon2id: 19 MiB, two passes, one lane. The package's algorithm is argon2id unless told otherwise.
const STRENGTH = { memoryCost: 19_456, timeCost: 2, parallelism: 1 };

// Of the same strength as every other, and of no password: what it is compared with costs as much and never matches.
const HASH_OF_NOTHING = hashOfNothing();

// Hashing runs on the thread pool that files and name lookups share (four threads), and each hash holds its memory.
const AT_ONCE = Math.min(3, availableParallelism());

// Two cores take this many in two seconds or so; who comes later would wait for longer than it pays to keep them.
const MOST_WAITING = 200;

/** Hashes passwords and checks them, a few at a time. Both fail with `Busy`, at once, where too many wait for their turn. */
@Injectable()
export class Passwords {
  private running = 0;
  private readonly waiting: (() => void)[] = [];

  hash(password: string): Promise<string> {
    return this.inTurn(() => hash(password, STRENGTH));
  }

  /** Without a hash, since there is no such user, it does the same work and answers false. */
  async matches(password: string, hashed = HASH_OF_NOTHING): Promise<boolean> {
    return this.inTurn(() => verify(hashed, password));
  }

  private async inTurn<T>(work: () => Promise<T>): Promise<T> {
    if (this.waiting.length >= MOST_WAITING) throw new Busy();
    if (this.running >= AT_ONCE) await new Promise<void>((resolve) => this.waiting.push(resolve));
    else this.running += 1;
    try {
      return await work();
    } finally {
      // The turn goes to the next in line, and is given up only where nobody waits.
      const next = this.waiting.shift();
      if (next) next();
      else this.running -= 1;
    }
  }
}

function hashOfNothing(): string {
  const { memoryCost, timeCost, parallelism } = STRENGTH;
  const [salt, hash] = [16, 32].map((bytes) => randomBytes(bytes).toString('base64').replaceAll('=', ''));
  return `$argon2id$v=19$m=${memoryCost},t=${timeCost},p=${parallelism}$${salt}$${hash}`;
}
