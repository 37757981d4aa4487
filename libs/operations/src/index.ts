export { parkedMessagesController } from './parked-messages.controller';
