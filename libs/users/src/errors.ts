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

export class UserNotFound extends Error {
  readonly code = 'user-not-found';
  constructor(readonly id: string) {
    super(`There is no user ${id}.`);
  }
}
