export { Bus, type EdgeState } from './bus';
export { connectBus } from './connect-bus';
export {
  type Cause,
  command,
  event,
  hears,
  type MessageDefinition,
  type Outgoing,
  type Received,
  type Sendable,
  type Subscription,
} from './definitions';
export { type ReceivedMessage } from './envelope';
export { DependencyAway, PermanentError, PublishedOutsideTransaction } from './errors';
export { type Handling, journeyOf } from './handlers';
export { Handles } from './handles';
export { MessagingModule } from './messaging.module';
export { messagingMigrations } from './migrations';
export { Outbox, outboxInsert, outboxParameters, type LogPlace, type PreparedMessage } from './outbox';
