export { HealthIndicators, type Health } from './health-indicators';
export { beginJourney, correlationIdOf, currentJourney, inJourney, journeyIfAny, type Journey } from './journey';
export { createLogger } from './logging';
export { metrics } from './metrics';
export { NestLogger } from './nest-logger';
export { TelemetryModule } from './telemetry.module';
export { continueTrace } from './trace-context';
