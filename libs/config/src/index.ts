export { ConfigModule, SETTINGS } from './config.module';
export { loadGatewaySettings, type GatewaySettings } from './load-gateway-settings';
export { databaseVariableOf, loadSettings } from './load-settings';
export { SettingsError, type ArmedFailpoint, type LogLevel, type Mischief, type Settings } from './settings';
export { MODULE_DATABASE_URL, variableNames, variables } from './variables';
