export type Role = 'customer' | 'admin';

/** A user as the API shows one. */
export interface User {
  readonly id: string;
  readonly email: string;
  readonly name: string;
  readonly roles: readonly Role[];
  readonly createdAt: Date;
}

/** The form in which addresses are compared: without regard to case. */
export function foldedEmail(email: string): string {
  return email.toLowerCase();
}
