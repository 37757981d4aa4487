export { Deadlines } from './deadlines';
export { processManagerMigrations } from './migrations';
export { type ProcessDefinition, type Recorded, type Step } from './process-definition';
export { type Change, type Input, Processes, processInsert, recordSent } from './processes';
