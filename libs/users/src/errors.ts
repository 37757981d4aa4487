/** Somebody else has registered with the address. */
export class EmailTaken extends Error {
  readonly code = 'email-taken';
  constructor() {
    super('Somebody has registered with this e-mail address already.');
  }
}

/** No user has this address and password. Says the same whichever of the two is wrong. */
export class InvalidCredentials extends Error {
  readonly code = 'invalid-credentials';
  constructor() {
    super('The e-mail address or the password is wrong.');
  }
}

/** The refresh token is unknown, out of date, revoked or already spent. */
export class InvalidRefreshToken extends Error {
  readonly code = 'invalid-refresh-token';
  constructor() {
    super('The refresh token is not valid (any more); sign in again.');
  }
}

/** More people sign in or register than passwords can be checked for. It passes. */
export class Busy extends Error {
  readonly code = 'busy';
  constructor() {
    super('Too many people are signing in or registering at the moment; try again shortly.');
  }
}

export class UserNotFound extends Error {
  readonly code = 'user-not-found';
  constructor(readonly id: string) {
    super(`There is no user ${id}.`);
  }
}
