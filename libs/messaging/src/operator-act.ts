/** Who does something to messages by hand, and why; kept with what was done. */
export interface OperatorAct {
  /** A user's id, or the name of an account on a machine. */
  who: string;
  why: string;
}
