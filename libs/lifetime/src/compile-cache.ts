/**
 * Keeps what V8 has compiled beside the built program, so that the next start need not compile it again: imported first.
 * Beside it and not in a temporary folder, since whoever can write there decides what runs here. Where the folder cannot be
 * written, nothing is kept and nothing fails; NODE_DISABLE_COMPILE_CACHE=1 turns it off.
 */
import { enableCompileCache } from 'node:module';
import { join } from 'node:path';

// Tests run the sources themselves, which are no place for it.
if (__filename.endsWith('.js')) enableCompileCache(join(__dirname, '..', '.compile-cache'));
