/** The middle one; of an even number the mean of the two in the middle. Throws where there is none. */
export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** `q` from 0 to 1, interpolated between neighbours. Throws where there is none. */
export function quantile(values: readonly number[], q: number): number {
  if (values.length === 0) throw new Error('There is no median of nothing.');
  const sorted = values.toSorted((a, b) => a - b);
  const at = (sorted.length - 1) * q;
  const [below, above] = [sorted[Math.floor(at)] as number, sorted[Math.ceil(at)] as number];
  return below + (above - below) * (at - Math.floor(at));
}
