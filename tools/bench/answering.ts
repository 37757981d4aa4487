/** What the bench asks one of its programs, through the channel between the two. */
export interface Question {
  id: number;
  ask: string;
  given: object;
}

export interface Answer {
  id: number;
  answer?: unknown;
  error?: string;
}

/** Lets this process answer questions by name. It ends with SIGTERM, and with whoever started it. */
export function answerQuestions(answers: Readonly<Record<string, (given: never) => unknown>>): void {
  process.on('message', ({ id, ask, given }: Question) => {
    const answering = Promise.resolve().then(() => {
      const answer = answers[ask];
      if (!answer) throw new Error(`Nobody here answers ${ask}.`);
      return answer(given as never);
    });
    answering.then(
      (answer) => process.send?.({ id, answer } satisfies Answer),
      (error: Error) => process.send?.({ id, error: error.stack ?? error.message } satisfies Answer),
    );
  });
  endWithParent();
}

/** Ends this process on SIGTERM, so that a profile is written, and when whoever started it is gone. */
export function endWithParent(): void {
  process.once('SIGTERM', () => process.exit(0));
  process.once('disconnect', () => process.exit(0));
}
