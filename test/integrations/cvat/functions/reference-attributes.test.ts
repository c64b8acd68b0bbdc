/** Attribute values of the references, in what detectors declare and answer where that is switched on. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { createAnswerLog } from '../../../../src/adapters/cvat/annotate/answer-log.ts';
import { undoAnswers } from '../../../../src/adapters/cvat/annotate/undo-answers.ts';
import { createCvatClient } from '../../../../src/adapters/cvat/api/client.ts';
import { cvat as cvatAdapter, type CvatOptions } from '../../../../src/adapters/cvat/cvat.ts';
import { lessonName } from '../../../../src/adapters/cvat/jobs/counted-lessons.ts';
import { detectorName } from '../../../../src/adapters/cvat/names.ts';
import { frames } from '../annotate-bench.ts';
import { box } from '../learning-world.ts';
import { startStandIn, TOKEN } from '../stand-in-cvat.ts';
import type { Job, Task } from '../stand-in-forms.ts';
import { storedByServer } from './as-cvat-draws.ts';
import { asCvatReads } from './as-cvat-reads.ts';
import { exactService, invoke, send, startFacade } from './facade-server.ts';

const open: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

const PROJECT = 'cvat/project-3';
const attribute = (id: number, name: string, input_type: string, values: string[], default_value: string) => ({
  ...{ id, name, input_type, values, default_value, mutable: false },
});
const ATTRIBUTES = [
  attribute(1, 'color', 'select', ['red', 'blue'], 'red'),
  attribute(2, 'wet', 'checkbox', ['false'], 'false'),
  attribute(3, 'age', 'number', ['0', '10', '1'], '0'),
  attribute(4, 'note', 'text', [''], ''),
];
type Values = readonly (readonly [spec_id: number, value: string])[];
const valued = (values: Values) => values.map(([spec_id, value]) => ({ spec_id, value }));

async function started(more: Partial<CvatOptions> = { attributes: true }) {
  const cvat = await startStandIn();
  open.push(() => cvat.close());
  cvat.state.projects.set(3, 'Kitchen');
  const images = await frames(3);
  const labels = [{ name: 'cat', attributes: ATTRIBUTES }, { name: 'dog' }];
  const task = cvat.addTask({ frames: images, labels, project: 3 });
  const service = exactService({ labels: ['cat', 'dog'] });
  const client = createCvatClient({ url: cvat.url, token: TOKEN, backoffMs: 1, attempts: 1 });
  const facade = await startFacade({ service, api: client, ...more });
  open.push(() => facade.close());
  const labelOf = (name: string) => (task.labels.find((one) => one.name === name) as Task['labels'][number]).id;
  const job = task.jobs[0] as Job;
  return {
    ...{ cvat, task, client, facade, images },
    /** A person drew it, the job was read back, and it is a reference now. */
    drawn: async (values: Values, { frame = 0, name = 'cat', source = 'manual' } = {}): Promise<object> => {
      const shape = Object.assign(cvat.addShape(task, { ...box(5, 5, 15, 15), frame, label: name, source }), {
        attributes: valued(values),
      });
      await service.annotations.accept({
        ...{ project: PROJECT, source: 'cvat', revision: 1, image: images[frame]?.bytes as Buffer, provenance: 'drawn' as const },
        externalId: lessonName({ task: task.id, job: job.id, frame, label: labelOf(name) }),
        masks: [{ label: name, box: [5, 5, 15, 15] }],
      });
      return shape;
    },
    declared: async (name = 'cat') => {
      const [detector] = asCvatReads((await send(`${facade.url}/api/functions`, 'GET')).json());
      return detector?.labels.find((one) => one.name === name)?.attributes;
    },
    answered: async (frame = 1) => {
      const image = images[frame]?.bytes.toString('base64');
      return (await invoke(facade.url, detectorName(PROJECT), { image })).json() as { label: string; attributes: object[] }[];
    },
  };
}

const ALL: Values = [
  [1, 'blue'],
  [2, 'true'],
  [3, '7'],
  [4, 'a note'],
];

describe('attributes of the references', () => {
  it('are declared as CVAT knows them, and answered with every shape of their label', async () => {
    const { drawn, declared, answered } = await started();
    await drawn(ALL);
    await drawn([], { name: 'dog' });
    expect(await declared()).toEqual(ATTRIBUTES.map(({ name, input_type, values }) => ({ name, input_type, values })));
    expect(await declared('dog')).toEqual([]);
    const shapes = await answered();
    expect(shapes.map(({ label }) => label).sort()).toEqual(['cat', 'dog']);
    for (const { label, attributes } of shapes)
      expect(attributes).toEqual(
        label === 'dog'
          ? []
          : [
              { name: 'color', value: 'blue' },
              { name: 'wet', value: 'true' },
              { name: 'age', value: '7' },
              { name: 'note', value: 'a note' },
            ],
      );
  });

  it('are not even asked for unless that is switched on, and need an address of CVAT', async () => {
    const { drawn, declared, answered, cvat } = await started({});
    await drawn(ALL);
    expect(await declared()).toEqual([]);
    expect((await answered()).map(({ attributes }) => attributes)).toEqual([[]]);
    expect(cvat.asked.filter(({ path }) => path.endsWith('/annotations'))).toEqual([]);
    expect(() => cvatAdapter({ ...({} as CvatOptions), attributes: true })).toThrow(/needs its address and a token/);
  });

  it("are left to CVAT's defaults where references differ, or have what their label does not allow; the log says so", async () => {
    const { drawn, declared, facade } = await started();
    await drawn([
      [1, 'blue'],
      [3, '70'],
    ]);
    await drawn([[4, 'n']], { frame: 2 });
    expect((await declared())?.map(({ name }) => name)).toEqual(['wet']);
    const said = facade.lines.filter((line) => line.includes("left to CVAT's default"));
    expect(said.join('\n')).toContain('references differ: red, blue');
    expect(said.join('\n')).toContain('the attribute age of cat on frame 0 to be a number from 0 to 10, got "70"');
  });

  it('are those of what people drew, and stay as they were while CVAT does not answer', async () => {
    const { drawn, declared, answered, cvat } = await started();
    await drawn([[1, 'blue']]);
    cvat.addShape(cvat.tasks[0] as Task, { ...box(5, 5, 9, 9), frame: 0, label: 'cat', source: 'auto' });
    const colors = async () => (await answered()).map(({ attributes }) => attributes[0]);
    expect((await declared())?.length).toBe(4);
    cvat.state.trouble = () => ({ status: 503 });
    expect(await colors()).toEqual([{ name: 'color', value: 'blue' }]);
  });

  it('do not keep an answer from being taken back', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'prosam-attributes-'));
    open.push(() => rmSync(folder, { recursive: true, force: true }));
    const answers = createAnswerLog(folder);
    const { drawn, answered, cvat, task, client } = await started({ attributes: true, answers });
    await drawn(ALL);
    const store = async (frame: number, values: Values) => {
      const [made] = storedByServer(await answered(frame), { labels: ['cat'], convMaskToPoly: false });
      return Object.assign(cvat.addShape(task, { ...(made as object), label: 'cat', frame, source: 'auto' } as never), {
        attributes: valued(values),
      });
    };
    const untouched = await store(1, ALL);
    const changed = await store(2, [[1, 'blue'], [3, '8']]); // prettier-ignore
    const { shapes } = await undoAnswers({ client, target: { task: task.id }, answers });
    expect(Object.fromEntries(shapes.map(({ id, fate }) => [id, fate]))).toEqual({ [untouched.id]: 'removed', [changed.id]: 'changed' });
  });
});
