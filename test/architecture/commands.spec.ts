import { scripts, scriptsHelp } from '../../package.json';

const explained = (help: Record<string, string>) =>
  new Set(Object.keys(help).map((call) => /^npm (?:run )?(\S+)/.exec(call)?.[1]));

const own = Object.keys(scripts).filter((name) => !(name.startsWith('pre') && name.slice(3) in scripts));

describe('npm run help', () => {
  it('has a line for every command, and for no other', () => {
    expect([...explained(scriptsHelp)].sort()).toEqual(own.sort());
  });

  it('would be missed where it says nothing of one', () => {
    expect([...explained({ 'npm start': 'the shop', 'npm run audit -- --json': 'every invariant' })]).toEqual([
      'start',
      'audit',
    ]);
  });
});
