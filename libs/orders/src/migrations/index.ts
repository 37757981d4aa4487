import type { Migration } from '@banyan/persistence';
import { Orders1700000001000 } from './1700000001000-orders';

export const ordersMigrations: readonly Migration[] = [Orders1700000001000];
