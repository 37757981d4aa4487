export { arm, armFailpoints, disarmFailpoints, failpoint, FailpointThrew, timesFired } from './failpoints';
