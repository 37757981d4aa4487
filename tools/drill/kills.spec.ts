import { seededChance } from '../replay/generate/seeded-chance';
import type { RunningApp } from '../topology/start-topology';
import { Kills, planKills, type Kill } from './kills';
import { apart, together } from './sides';

const [here, there] = [together(['orders', 'payments']), apart('payments', ['orders', 'payments'])];
const lasts = { starting: 0, sharing: 20, leaving: 0, settled: 0 };

function setup(kills: Kill[], running: string[]) {
  const log: string[] = [];
  const find = (name: string) =>
    running.includes(name)
      ? ({ pid: 7, kill: () => Promise.resolve(void log.push(name)) } as Partial<RunningApp> as RunningApp)
      : undefined;
  return { kills: new Kills(kills, { lasts, find, told: (line) => log.push(line) }), log };
}

describe('the kills of a move', () => {
  it('meet one process of each side, at moments when it is there', () => {
    const plans = Array.from({ length: 200 }, (_, seed) => planKills(here, there, seededChance(seed)));
    for (const [ofOld, ofNew] of plans) {
      expect(ofOld).toMatchObject({ app: 'monolith', stage: expect.stringMatching(/sharing|leaving/) });
      expect(['rest', 'payments']).toContain(ofNew!.app);
    }
    expect(new Set(plans.map(([, { app, stage } = {} as Kill]) => `${app} ${stage}`)).size).toBe(8);
  });

  it('are the same for the same seed', () => {
    expect(planKills(here, there, seededChance(3))).toEqual(planKills(here, there, seededChance(3)));
  });

  it('are carried out in the stage that they are planned for, and waited for', async () => {
    const { kills, log } = setup([{ app: 'payments', stage: 'sharing', at: 0.5 }], ['payments']);
    kills.reached('starting');
    await kills.done();
    expect(log).toEqual([]);
    kills.reached('sharing');
    await kills.done();
    expect(log).toEqual(['payments', 'killed payments while sharing']);
  });

  it('are told of where there is nobody to be killed', async () => {
    const { kills, log } = setup([{ app: 'rest', stage: 'settled', at: 0 }], []);
    kills.reached('settled');
    await kills.done();
    expect(log).toEqual(['rest was to be killed while settled, and is down']);
  });
});
