import { Registry } from 'prom-client';

/** The metrics of this process, told by `GET /metrics`. Whoever has something to count registers it here. */
export const metrics = new Registry();
