export { roleOf, type Entities, type Migration } from './connection';
export { Database } from './database';
export { isContention, isDatabaseAway, isUniqueViolation } from './database-errors';
export { grouped, type Grouping } from './grouped';
export { migrate, migrationStatus, PendingMigrations, revertLatest } from './migrate';
export { moduleDataOf, type ModuleData } from './module-data';
export { openDatabase } from './open-database';
export { PersistenceModule } from './persistence.module';
export {
  DatabaseNotPrepared,
  DatabaseTooOld,
  DatabaseUnreachable,
  notPrepared,
  preparation,
  prepareDatabase,
} from './prepare-database';
export { schemaDifference } from './schema-difference';
export { statement, type Statement } from './statement';
export { CommitRefused, Transaction, TransactionIsOver } from './transaction';
