export { startEmbeddedPostgres, type EmbeddedPostgres, type EmbeddedPostgresOptions } from './embedded-postgres';
export { FolderInUse, KafkaUnavailable, PaymentProviderDidNotStart, PostgresDidNotStart } from './errors';
export {
  kafkaStatus,
  removeKafka,
  startKafka,
  stopKafka,
  type KafkaCluster,
  type KafkaNode,
  type KafkaOptions,
} from './kafka';
export {
  dockerAnswers,
  kafkaContainer,
  removeKafkaContainer,
  startKafkaContainer,
  stopKafkaContainer,
} from './kafka-container';
export { freePorts } from './free-ports';
export { whyNoKafka } from './kafka-jars';
export { askKafka } from './kafka-metadata';
export { keptAdmin, type AdminLogin } from './kept-secrets';
export { developmentFolder, projectFolder } from './project-folder';
export { joinDevelopment, startDevelopment, toldToCommands, type Development } from './start-development';
