import { moduleDataOf } from '@banyan/persistence';
import { modules } from '../../apps/monolith/src/modules';

/** What each module keeps in its database. */
export const moduleData = modules.map(moduleDataOf);
