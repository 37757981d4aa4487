/** Something that can be chosen, and its share against the others. */
export interface Weighted {
  readonly weight: number;
  /** `seedOf` its name. */
  readonly seed: number;
}

/** A number for a name, by which `choose` tells candidates apart: the same in every process. */
export function seedOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return scrambled(hash);
}

/**
 * The candidate that a key belongs to, in proportion to the weights: weighted rendezvous hashing. A candidate whose weight
 * grows takes keys from the others, and they exchange none among themselves; so does one that comes or goes. Without a key
 * it is left to chance. Undefined where there is nobody with a weight.
 */
export function choose<T extends Weighted>(candidates: readonly T[], key: number | undefined): T | undefined {
  let best: T | undefined;
  let most = 0;
  for (const candidate of candidates) {
    if (candidate.weight === 0) continue;
    const chance = key === undefined ? Math.random() : (scrambled(key ^ candidate.seed) + 0.5) / 0x1_0000_0000;
    const score = candidate.weight / -Math.log(chance);
    if (score > most) {
      most = score;
      best = candidate;
    }
  }
  return best;
}

/** Spreads a hash over all 32 bits (the finaliser of MurmurHash3). */
function scrambled(hash: number): number {
  let h = hash ^ (hash >>> 16);
  h = Math.imul(h, 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
