import type { Settings } from '@banyan/config';
import { pino, type DestinationStream, type Logger } from 'pino';
import { journeyIfAny } from './journey';
import { redact } from './redact';

/**
 * The logger of a process: JSON, or readable text where `log.pretty` is set. Every line carries the correlation
 * id, and the message id while a message is handled; secrets and e-mail addresses are taken out of the
 * finished line, so no call has to remember to.
 */
export function createLogger(settings: Pick<Settings, 'log'>, destination?: DestinationStream): Logger {
  return pino(
    {
      level: settings.log.level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      mixin() {
        const journey = journeyIfAny();
        if (!journey) return {};
        const { correlationId, messageId } = journey;
        return messageId === undefined ? { correlationId } : { correlationId, messageId };
      },
      hooks: { streamWrite: redact },
    },
    // Asynchronous: lines are written while the process works, and what is left when it exits is written then.
    destination ?? (settings.log.pretty ? prettyDestination() : pino.destination({ dest: 1, sync: false })),
  );
}

function prettyDestination(): DestinationStream {
  // Loaded only where it is wanted: production installs write JSON and need not pay for it.
  // eslint-disable-next-line @typescript-eslint/no-require-imports
  const pretty = require('pino-pretty') as typeof import('pino-pretty');
  return pretty({
    sync: true,
    singleLine: true,
    translateTime: 'SYS:HH:MM:ss.l',
    ignore: 'context,method,route,status',
    messageFormat: '{if context}{context}: {end}{msg}',
  });
}
