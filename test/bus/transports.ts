/** What carries messages in the suite: one set of promises, held against each of these. */
export interface Transport {
  name: string;
  environment: Record<string, string>;
}

export const inProcess: Transport = { name: 'in-process', environment: { EVENT_TRANSPORT: 'in-process' } };

/** Every file of the suite runs once with each. */
export const transports: readonly Transport[] = [inProcess];
