import { variables } from '@banyan/config';
import { code, table } from './table';

/** Every variable with its default and meaning, in the order and under the headings of `.env.example`. */
export function environmentTable(envExample: string): string {
  const meanings = new Map<string, string>(variables.map(({ name, meaning }) => [name, meaning]));
  const rows: string[][] = [];
  let comment: string[] = [];
  for (const line of envExample.split('\n')) {
    const section = /^# --- (.+)$/.exec(line)?.[1];
    const [, name, preset] = /^# ([A-Z][A-Z0-9_]*)=(.*)$/.exec(line) ?? [];
    if (section !== undefined) rows.push([`**${section}**`, '', '']);
    else if (name !== undefined)
      rows.push([code(name), preset ? code(preset) : '', meanings.get(name) ?? comment.join(' ')]);
    comment = section === undefined && name === undefined ? [...comment, line.replace(/^# ?/, '')] : [];
  }
  return table(['variable', 'default', 'what it decides'], rows);
}
