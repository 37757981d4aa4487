import { Settings } from '@banyan/config';
import { Member } from './bus';
import { isOfCommands, moduleOf, ownerOf } from './definitions';
import { RegisteredHandler } from './handlers';

/** What of a module's messages goes which way, in this app. */
export interface Edges {
  /** What it hears from logs of this app, by source. */
  inProcess: Map<string, Set<string>>;
  /** The topics that it hears over Kafka. */
  heardOverKafka: Set<string>;
  /** The topics that it sends over Kafka. */
  sentOverKafka: Set<string>;
}

/**
 * Decides it for one member among those of its app. In mixed, an edge inside the app stays inside, and one that leaves it
 * goes over Kafka: events where somebody outside hears them, commands where the module that is asked is not here.
 */
export function edgesOf(
  member: Member,
  members: ReadonlyMap<string, Member>,
  { transport, exportedEvents }: Pick<Settings['bus'], 'transport' | 'exportedEvents'>,
): Edges {
  const heard = new Set(member.hears.map(({ topic }) => topic));
  const sent = new Set(member.publishes.map(({ topic }) => topic));
  const inProcess = new Map<string, Set<string>>();
  if (transport !== 'kafka') {
    for (const source of members.values()) {
      const both = new Set(source.publishes.map(({ topic }) => topic).filter((topic) => heard.has(topic)));
      if (both.size > 0) inProcess.set(source.module, both);
    }
  }
  if (transport === 'in-process') return { inProcess, heardOverKafka: new Set(), sentOverKafka: new Set() };
  if (transport === 'kafka') return { inProcess, heardOverKafka: heard, sentOverKafka: sent };
  // A command may come from anywhere, so a module listens for its own outside, too.
  const comesIn = (topic: string) => isOfCommands(topic) || !members.has(ownerOf(topic));
  const goesOut = (topic: string) =>
    isOfCommands(topic)
      ? !members.has(ownerOf(topic))
      : exportedEvents === null || exportedEvents.includes(member.module);
  return {
    inProcess,
    heardOverKafka: new Set([...heard].filter(comesIn)),
    sentOverKafka: new Set([...sent].filter(goesOut)),
  };
}

/** A sentence for each handler that Nest did not find, and, in process, for each party that an edge lacks in this app. */
export function incompleteEdges(
  members: readonly Member[],
  handlers: readonly RegisteredHandler[],
  transport: Settings['bus']['transport'],
): string[] {
  const problems: string[] = [];
  const published = new Set(members.flatMap(({ publishes }) => publishes.map(({ type }) => type)));
  const handled = new Set(handlers.map(({ subscription }) => `${subscription.subscriber} ${subscription.type}`));
  for (const { module, hears, publishes } of members) {
    for (const { type, kind } of hears) {
      if (transport === 'in-process' && !published.has(type))
        problems.push(`${module} hears ${type}, which nobody here ${kind === 'event' ? 'announces' : 'sends'}.`);
      if (!handled.has(`${module} ${type}`)) {
        problems.push(`${module} hears ${type}, but has no controller with @Handles for it.`);
      }
    }
    for (const { type, kind } of publishes) {
      const asked = moduleOf(type);
      const isHere = members.some((member) => member.module === asked && member.hears.some((heard) => heard.type === type)); // prettier-ignore
      const mustBe = transport === 'in-process' || (transport === 'mixed' && members.some((member) => member.module === asked)); // prettier-ignore
      if (kind === 'command' && mustBe && !isHere) {
        problems.push(`${module} sends ${type}, but ${asked} is not here to handle it.`);
      }
    }
  }
  return problems;
}
