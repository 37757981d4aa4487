export { republish, type AnnouncedAgain, type Announcer } from './announcer';
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
export {
  CommandsNotReplayed,
  ContentRefused,
  DependencyAway,
  MessageNotParked,
  NeverSubscribed,
  ParkedMessageNotFound,
  PermanentError,
  PublishedOutsideTransaction,
  ReplayForward,
  SubscriberIsHere,
} from './errors';
export { type Handling, journeyOf } from './handlers';
export { Handles } from './handles';
export { KafkaCluster, type Extent } from './kafka/cluster';
export { MessagingModule, moduleMessagesOf, type ModuleMessages } from './messaging.module';
export { messagingMigrations } from './migrations';
export { exportSubscriber, importSubscriber, type ExportedSubscriber } from './moving';
export { Outbox, outboxInsert, outboxParameters, type LogPlace, type PreparedMessage } from './outbox';
export { type OperatorAct } from './operator-act';
export {
  ParkedMessages,
  type InspectedMessage,
  type ParkedFilter,
  type ParkedMessage,
  type RecordedAct,
} from './parked-messages';
export { replay, type Replay, type Replayed, type ReplayFrom } from './replay';
