export { beginJourney, currentJourney, inJourney, journeyIfAny, type Journey } from './journey';
export { createLogger, loggingModule } from './logging';
export { continueTrace } from './trace-context';
