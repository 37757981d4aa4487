import type { Caller } from '@banyan/http';

/** Whether the caller may know of the order: its customer, and admins. */
export function visibleTo({ id, roles }: Caller, { customerId }: { customerId: string }): boolean {
  return id === customerId || roles.includes('admin');
}
