import { ModuleView } from '../audit/module-view';
import type { Party } from './parties';

/** Looks at the databases of all parties, each as of one moment, without changing anything. Throws CouldNotLook. */
export async function withViews<T>(
  parties: readonly Party[],
  work: (views: ReadonlyMap<string, ModuleView>) => Promise<T>,
): Promise<T> {
  const views = new Map<string, ModuleView>();
  try {
    for (const { module, url } of parties) {
      const view = await ModuleView.open(module, url);
      views.set(module, view);
      await view.freeze();
    }
    return await work(views);
  } finally {
    await Promise.all([...views.values()].map((view) => view.close()));
  }
}
