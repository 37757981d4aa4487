import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectFolder } from '@banyan/development';
import { moduleMessagesOf } from '@banyan/messaging';
import { parseTopology } from '@banyan/topology';
import { parse } from 'yaml';
import { modules } from '../../apps/monolith/src/modules';
import { alone, apart, exportedBy, sentOverKafka, sideBySide, together } from './sides';

const messages = modules.map(moduleMessagesOf);
const all = messages.map(({ module }) => module);

describe('a move', () => {
  it.each(all)('of %s leads every module from one app to another, and knows both', (module) => {
    const [here, there] = [together(all), apart(module, all)];
    const halfway = parseTopology(JSON.stringify(sideBySide('Halfway.', here, there, 25)), 'The topology');
    expect(Object.keys(halfway.apps)).toEqual(['monolith', 'rest', module]);
    for (const each of all) {
      const host = each === module ? module : 'rest';
      expect(halfway.routes[each]?.upstreams).toEqual({ monolith: 75, [host]: 25 });
    }
    expect(Object.values(there.apps).flat().sort()).toEqual([...all].sort());
  });

  it('ends with one side only', () => {
    expect(alone('Home.', together(all))).toMatchObject({
      transport: 'in-process',
      apps: { monolith: { modules: all } },
    });
    expect(alone('Out.', apart('users', all))).toMatchObject({ transport: 'mixed', routes: {} });
  });
});

describe('what a side sends over Kafka', () => {
  it.each([
    ['payments', ['users users.events', 'orders payments.commands', 'payments payments.events']],
    ['users', ['users users.events']],
    ['inventory', ['users users.events', 'orders inventory.commands', 'inventory inventory.events']],
    [
      'orders',
      [
        ...['users users.events', 'inventory inventory.events', 'payments payments.events'],
        ...['orders inventory.commands', 'orders payments.commands'],
      ],
    ],
  ])('with %s apart is what crosses between its apps', (module, expected) => {
    const sent = sentOverKafka(apart(module, all), messages).map((each) => `${each.module} ${each.topic}`);
    expect(sent.sort()).toEqual([...expected].sort());
  });

  it('is nothing with all in one process', () => {
    expect(sentOverKafka(together(all), messages)).toEqual([]);
  });
});

describe('docs/how-to/move-a-module.md', () => {
  const document = readFileSync(join(projectFolder(), 'docs/how-to/move-a-module.md'), 'utf8');
  const [here, there] = [together(all), apart('payments', all)];

  it('shows the topologies that the drill goes through', () => {
    const blocks = [...document.matchAll(/^```yaml\n([\s\S]*?)^```$/gm)].map(([, block]) => block!);
    const shown = blocks.map((block) => parseTopology(block, 'The how-to'));
    const gone = [sideBySide('', here, there, 0), sideBySide('', here, there, 25), alone('', there)];
    expect(shown.map(essentials)).toEqual(gone.map(essentials));
  });

  it('says whose events each app exports', () => {
    for (const app of ['rest', 'payments']) {
      const [, given] =
        new RegExp(`BUS_EXPORTED_EVENTS=(\\S+) .*apps/${app === 'rest' ? 'monolith' : app}/`).exec(document) ?? [];
      expect(given?.split(',')).toEqual(exportedBy(there, app, messages));
    }
  });
});

/** Without what differs between a page and a machine. */
function essentials(topology: object): unknown {
  const { transport, apps, routes } = parse(JSON.stringify(topology)) as ReturnType<typeof alone>;
  return {
    transport,
    apps: Object.entries(apps)
      .map(([app, { modules: hosted }]) => [app, [...hosted].sort()])
      .sort(),
    weights: Object.entries(routes)
      .map(([module, { upstreams }]) => [module, upstreams])
      .sort(),
  };
}
