/** The curve of a project, and what is said of its learner. */
import { describe, expect, it } from 'vitest';
import { curveText, learningCurves } from '../../../src/service/learning/curve.ts';
import { createLearningLines, progressText } from '../../../src/service/learning/lines.ts';
import type { FitRecord } from '../../../src/service/ports/fits.ts';
import type { RunRecord, VersionRecord } from '../../../src/service/ports/versions.ts';

const version = (number: number, decision: string, labels: object[]): VersionRecord =>
  ({ id: `v-${number}`, number, metrics: { gate: { decision, labels } } }) as unknown as VersionRecord;
const row = (label: string, accepted: number, current: number, candidate: number) => ({ label, accepted, current, candidate });

describe('learningCurves', () => {
  it('takes what answers after each gate: the candidate where it was promoted, else what was there', () => {
    const versions = [
      version(3, 'reject', [row('cup', 36, 0.7, 0.4)]),
      version(2, 'promote', [row('cup', 24, 0.61, 0.7), row('jug', 3, 0.5, 0.55)]),
      version(1, 'learn', [row('cup', 12, 0.61, 0.66)]),
    ];
    const [cup, jug] = learningCurves(versions);
    expect(cup?.points.map(({ accepted, iou, encoderVersion }) => [accepted, iou, encoderVersion])).toEqual([
      [12, 0.61, 'v-1'],
      [24, 0.7, 'v-2'],
      [36, 0.7, 'v-3'],
    ]);
    expect(curveText(cup ?? { points: [] })).toBe('after 12 masks 0.61, after 24 0.70, after 36 0.70');
    expect(jug).toMatchObject({ label: 'jug', points: [{ accepted: 3, iou: 0.55 }] });
  });

  it('leaves out what it cannot read, and shortens what is long', () => {
    const odd = [null, 'text', { label: 'cup' }, { label: 3, accepted: 1, current: 1 }] as object[];
    expect(learningCurves([version(1, 'promote', odd), { number: 2 } as VersionRecord])).toEqual([]);
    const points = Array.from({ length: 20 }, (_, i) => ({ accepted: i + 1, iou: 0.5, encoderVersion: 'v' }));
    expect(curveText({ points })).toBe('after 1 mask 0.50, after 16 0.50, after 17 0.50, after 18 0.50, after 19 0.50, after 20 0.50');
  });
});

describe('createLearningLines', () => {
  it('asks once in a while, tells what runs, and leaves out what cannot be read', async () => {
    let nowMs = 0;
    let asked = 0;
    const running = { state: 'running', progress: { phase: 'training', step: 40, steps: 200 } } as unknown as RunRecord;
    const lines = createLearningLines({
      runs: { list: ({ project }) => Promise.resolve(project === 'runs' ? [running] : []) },
      waitingFor(project) {
        asked++;
        return project === 'broken'
          ? Promise.reject(new Error('away'))
          : Promise.resolve(project === 'due' ? undefined : '3 of 8 new masks');
      },
      now: () => nowMs,
    });
    const all = ['waits', 'due', 'runs', 'broken'];
    const wanted = [
      { project: 'waits', line: '3 of 8 new masks' },
      { project: 'due', line: 'a run is due' },
      { project: 'runs', line: 'learning: step 40 of 200' },
    ];
    expect(await lines.of(all)).toEqual(wanted);
    expect(await lines.of(all)).toEqual(wanted);
    expect(asked).toBe(3);
    nowMs += 6000;
    await lines.of(all);
    expect(asked).toBe(6);
    const values = { examples: 5, held: [{ plain: 0.61, learned: 0.66 }], numbers: { probe: [1, 2], bias: 0, maps: {} } };
    const fit = { label: 'cup', values } as unknown as FitRecord;
    const none = { ...fit, values: { ...fit.values, numbers: undefined } } as FitRecord;
    const fitting = createLearningLines({
      ...{ runs: { list: () => Promise.resolve([]) }, waitingFor: () => Promise.resolve('2 of 8 new masks'), now: () => nowMs },
      fits: { list: (project) => Promise.resolve(project === 'used' ? [fit] : project === 'not' ? [none] : []) },
    });
    expect((await fitting.of(['used', 'not', 'new'])).map(({ line }) => line)).toEqual([
      '2 of 8 new masks; cup fitted on 5 masks: left-out images 0.61 -> 0.66',
      '2 of 8 new masks; cup fitted on 5 masks, not used: left-out images 0.61 -> 0.66',
      '2 of 8 new masks',
    ]);
    expect(await lines.of(Array.from({ length: 30 }, (_, i) => `p${i}`))).toHaveLength(20);
  });

  it('tells how far a run is', () => {
    expect(progressText({})).toBe('a run begins');
    expect(progressText({ progress: { phase: 'gate', done: 3, total: 8 } })).toBe('testing: 3 of 8 held-out masks');
    const fold = { number: 2, of: 6 };
    expect(progressText({ progress: { phase: 'training', step: 1, steps: 9, fold } })).toBe(
      'testing: learning without some images, 2 of 6',
    );
  });
});
