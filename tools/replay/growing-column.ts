const FIRST_CAPACITY = 1024;

/** A column of 32-bit integers that grows: a year of lines in a few megabytes, where an object per line takes a hundred. */
export class GrowingColumn {
  private values = new Int32Array(FIRST_CAPACITY);
  length = 0;

  push(value: number): void {
    if (this.length === this.values.length) {
      const wider = new Int32Array(this.values.length * 2);
      wider.set(this.values);
      this.values = wider;
    }
    this.values[this.length++] = value;
  }

  /** What was pushed; valid until the next push. */
  view(): Int32Array {
    return this.values.subarray(0, this.length);
  }
}
