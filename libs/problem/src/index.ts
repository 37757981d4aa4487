export { refuseOnSocket } from './refuse-on-socket';
export {
  Problem,
  problemBody,
  problems,
  validationFailed,
  type FieldError,
  type ProblemBody,
  type ProblemCode,
} from './problem';
