import { createColors } from 'picocolors';
import type { Topology } from '@banyan/topology';
import type { RunningTopology } from './start-topology';

/** Whether what is written there is seen by a person who has not asked for plain text. */
export const takesColours = (stream: { isTTY?: boolean }, environment: NodeJS.ProcessEnv): boolean =>
  stream.isTTY === true && !environment['NO_COLOR'];

/** Puts before each line who says it, in a colour of their own, all of the same width. */
export function prefixer(names: readonly string[], colourful: boolean): (from: string, line: string) => string {
  const colours = createColors(colourful);
  const palette = [colours.cyan, colours.magenta, colours.yellow, colours.green, colours.blue];
  const width = Math.max(...names.map((name) => name.length));
  return (from, line) => {
    const place = names.indexOf(from);
    const colour = place < 0 ? colours.dim : palette[place % palette.length]!;
    return `${colour(`${from.padEnd(width)} |`)} ${line}`;
  };
}

/** What a person wants to know of a shop that has just been opened. */
export function welcome(name: string, { description }: Topology, running: RunningTopology): string {
  const { url, admin, apps, kafkaBrokers, topologyFile } = running;
  return [
    `The shop is open: ${url}/api/v1`,
    `  Topology        ${name}: ${description}`,
    `  Apps            ${apps.map((app) => `${app.name} ${app.address}`).join(', ')}`,
    ...(kafkaBrokers.length > 0 ? [`  Kafka           ${kafkaBrokers.join(', ')}`] : []),
    `  Routes          ${topologyFile} (the gateway watches it)`,
    `  Documentation   ${url}/docs`,
    `  Health          ${url}/health/ready`,
    `  Admin           ${admin.email}  ${admin.password}`,
    `  Try             npm run demo    (in another terminal: twenty orders of every kind)`,
    `  Stop            Ctrl-C`,
    '',
  ].join('\n');
}
