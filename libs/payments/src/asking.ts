export interface AskingOptions<Question> {
  /** Questions asked at the same time. */
  mostUnderWay: number;
  /** Questions kept in memory; what comes on top is let go, since all of them stand in the database too. */
  mostWaiting: number;
  /** Asks and writes down the answer. A question whose asking throws is asked again later; `attempt` counts from 1. */
  ask(question: Question, attempt: number): Promise<void>;
  /** Told of each attempt that failed. */
  onFailed(question: Question, attempt: number, error: unknown): void;
  /** It was full, and there is room again: for what was let go, or never came. */
  onRoom(): void;
}

interface Asked<Question> {
  question: Question;
  attempt: number;
  underWay: boolean;
  /** Set while the question pauses between two attempts. */
  retry?: NodeJS.Timeout;
}

const FIRST_DELAY_MS = 100;
const LONGEST_DELAY_MS = 10_000;

/** Asks questions a few at a time, each until it is answered, with growing and jittered pauses between its attempts. */
export class Asking<Question extends { id: string }> {
  /** Every question in hand: waiting, under way, or pausing until its next attempt. */
  readonly #inHand = new Map<string, Asked<Question>>();
  #waiting: Asked<Question>[] = [];
  readonly #underWay = new Set<Promise<void>>();
  #wasFull = false;
  #stopped = false;

  constructor(private readonly options: AskingOptions<Question>) {}

  get room(): number {
    return Math.max(0, this.options.mostWaiting - this.#inHand.size);
  }

  /** Every question that has no answer yet. */
  get unanswered(): Question[] {
    return [...this.#inHand.values()].map(({ question }) => question);
  }

  /** Takes questions on; one that is in hand already is not taken twice. */
  put(questions: readonly Question[]): void {
    if (this.#stopped) return;
    for (const question of questions) {
      if (this.#inHand.has(question.id)) continue;
      if (this.room === 0) break;
      const asked = { question, attempt: 0, underWay: false };
      this.#inHand.set(question.id, asked);
      this.#waiting.push(asked);
    }
    if (this.room === 0) this.#wasFull = true;
    this.#askNext();
  }

  /** Takes a question back, unless it is being asked at this moment. */
  withdraw(id: string): void {
    const asked = this.#inHand.get(id);
    if (!asked || asked.underWay) return;
    clearTimeout(asked.retry);
    this.#inHand.delete(id);
  }

  /** Asks nothing more, and waits for what is under way, but not longer than that. */
  async stop(longestMs: number): Promise<void> {
    this.#stopped = true;
    this.#waiting = [];
    for (const { retry } of this.#inHand.values()) clearTimeout(retry);
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise((resolve) => (timer = setTimeout(resolve, longestMs)));
    await Promise.race([Promise.all(this.#underWay), late]);
    clearTimeout(timer);
  }

  #askNext(): void {
    while (this.#underWay.size < this.options.mostUnderWay) {
      const asked = this.#waiting.shift();
      if (!asked) break;
      const withdrawn = this.#inHand.get(asked.question.id) !== asked;
      if (withdrawn) continue;
      const asking: Promise<void> = this.#ask(asked).finally(() => {
        this.#underWay.delete(asking);
        if (!this.#stopped) this.#askNext();
      });
      this.#underWay.add(asking);
    }
    if (this.#wasFull && this.room > this.options.mostWaiting / 2) {
      this.#wasFull = false;
      this.options.onRoom();
    }
  }

  async #ask(asked: Asked<Question>): Promise<void> {
    const { question } = asked;
    asked.attempt += 1;
    asked.underWay = true;
    try {
      await this.options.ask(question, asked.attempt);
      this.#inHand.delete(question.id);
    } catch (error) {
      asked.underWay = false;
      this.options.onFailed(question, asked.attempt, error);
      if (!this.#stopped) this.#askLater(asked);
    }
  }

  #askLater(asked: Asked<Question>): void {
    const delay = Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** (asked.attempt - 1)) * (0.5 + Math.random());
    asked.retry = setTimeout(() => {
      this.#waiting.push(asked);
      this.#askNext();
    }, delay);
  }
}
