export { startEmbeddedPostgres, type EmbeddedPostgres, type EmbeddedPostgresOptions } from './embedded-postgres';
export { FolderInUse, PaymentProviderDidNotStart, PostgresDidNotStart } from './errors';
export { keptAdmin, type AdminLogin } from './kept-secrets';
export { developmentFolder, projectFolder } from './project-folder';
export { joinDevelopment, startDevelopment, type Development } from './start-development';
