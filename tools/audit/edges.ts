import type { AuditedShop } from './check';
import type { ModuleView } from './module-view';

/** What goes from one module's log to one subscriber. */
export interface Edge {
  source: ModuleView;
  subscriber: ModuleView;
  topics: string[];
  /** Up to here the subscriber need not look again; it may have taken over more. */
  position: number;
  /** The log had its very beginning when the subscriber began. */
  complete: boolean;
}

interface SubscriptionRow {
  source: string;
  topics: string[];
  position: number;
  complete: boolean;
}

/** Who hears whom: as the subscribers themselves say, and whoever is sent commands, whether it ever listened or not. */
export async function edgesOf(modules: AuditedShop['modules']): Promise<Edge[]> {
  const edges: Edge[] = [];
  for (const subscriber of modules.values()) {
    const rows = await subscriber.rows<SubscriptionRow>('SELECT source, topics, position, complete FROM subscription');
    const subscriptions = new Map(rows.map((row) => [row.source, row]));
    for (const source of modules.values()) {
      const { topics = [], position = 0, complete = true } = subscriptions.get(source.module) ?? {};
      const commands = `${subscriber.module}.commands`;
      const sends = await source.rows('SELECT FROM stream WHERE topic = $1 LIMIT 1', [commands]);
      const heard = new Set(sends.length > 0 ? [...topics, commands] : topics);
      if (heard.size > 0) edges.push({ source, subscriber, topics: [...heard].sort(), position, complete });
    }
  }
  return edges;
}
