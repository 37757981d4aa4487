import { CreateProducts1795183200001 } from './create-products';
import { CreateReservations1795183200003 } from './create-reservations';
import { CreateStock1795183200002 } from './create-stock';

/** Inventory's own tables; those of the platform's libraries come from them. */
export const inventoryMigrations = [
  CreateProducts1795183200001,
  CreateStock1795183200002,
  CreateReservations1795183200003,
];
