/** Attribute values of reference shapes, carried over to what is predicted from them. */
import { describe, expect, it } from 'vitest';
import { expectRejection } from '../../unit/core/expect-error.ts';
import { annotateBench, frames, SQUARE } from './annotate-bench.ts';

const bench = annotateBench();
const { planOf, run } = bench;

const attribute = (id: number, name: string, input_type: string, values: string[], default_value: string, mutable = false) => ({
  ...{ id, name, input_type, values, default_value, mutable },
});
const ATTRIBUTES = [
  attribute(1, 'color', 'select', ['red', 'blue'], 'red'),
  attribute(2, 'wet', 'checkbox', ['false'], 'false', true),
  attribute(3, 'age', 'number', ['0', '10', '1'], '0'),
  attribute(4, 'note', 'text', [''], ''),
];

async function taskOf(count = 3) {
  return bench.cvat.addTask({ frames: await frames(count), labels: [{ name: 'cat', attributes: ATTRIBUTES }, { name: 'dog' }] });
}
type Values = [spec_id: number, value: string][];
const valued = (values: Values) => values.map(([spec_id, value]) => ({ spec_id, value }));

async function drawn(task: Awaited<ReturnType<typeof taskOf>>, values: Values, more: { frame?: number; source?: string } = {}) {
  const shape = bench.cvat.addShape(task, { type: 'mask', frame: 0, label: 'cat', points: SQUARE, ...more });
  await Promise.resolve(Object.assign(shape, { attributes: valued(values) }));
}
const made = (task: Awaited<ReturnType<typeof taskOf>>) => bench.cvat.shapes(task).filter(({ source }) => source === 'auto');
const ALL: Values = [
  [1, 'blue'],
  [2, 'true'],
  [3, '7'],
  [4, 'a note'],
];

describe('attributes of the reference', () => {
  it('are those of the predicted shapes where that is asked for, and CVAT sets its defaults elsewhere', async () => {
    const task = await taskOf();
    await drawn(task, ALL);
    await run(task);
    expect(made(task).map(({ attributes }) => attributes)).toEqual([[], []]);
    const other = await taskOf();
    await drawn(other, ALL);
    await run(other, { plan: await planOf(other, { attributes: true }) }, `${bench.folder}/other.jsonl`);
    expect(made(other).map(({ attributes }) => attributes)).toEqual([valued(ALL), valued(ALL)]);
  });

  it("have the default where the reference has no value, and stay CVAT's where references differ, which is said", async () => {
    const task = await taskOf();
    await drawn(task, [
      [1, 'blue'],
      [3, '7'],
    ]);
    await drawn(task, [[3, '7']]);
    // A program's shape beside them is no reference.
    await drawn(task, [[3, '1']], { source: 'auto' });
    const plan = await planOf(task, { attributes: true });
    expect(plan.attributes.differing).toEqual([{ label: 'cat', attribute: 'color', values: ['blue', 'red'] }]);
    expect(plan.attributes.values.get('cat')).toEqual(
      valued([
        [2, 'false'],
        [3, '7'],
        [4, ''],
      ]),
    );
    expect(plan.attributes.values.get('dog')).toBeUndefined();
  });

  it('of a track are its own, and the latest of those that change', async () => {
    const task = await taskOf(5);
    const at = (frame: number, values: Values) => ({
      ...{ type: 'rectangle', frame, points: [2, 2, 12, 12], rotation: 0, outside: false, attributes: valued(values) },
    });
    task.jobs[0]?.tracks.push({
      ...{ id: 900, frame: 0, label_id: task.labels[0]?.id, source: 'manual', attributes: valued([[1, 'blue']]) },
      shapes: [at(3, [[2, 'false']]), at(0, [[2, 'true']]), at(2, [])],
    });
    const plan = await planOf(task, { attributes: true, referenceFrames: [2] });
    expect(plan.attributes.values.get('cat')?.slice(0, 2)).toEqual(
      valued([
        [1, 'blue'],
        [2, 'true'],
      ]),
    );
  });

  it.each([
    [1, 'green', 'one of red, blue'],
    [2, 'yes', 'true or false'],
    [3, '11', 'a number from 0 to 10'],
    [3, 'seven', 'a number from 0 to 10'],
  ])('are refused where the label does not allow them: %s %s', async (id, value, said) => {
    const task = await taskOf();
    await drawn(task, [[id, value]]);
    await expectRejection('OPTION_INVALID', planOf(task, { attributes: true }), said, value, 'cat', 'frame 0');
    await expect(planOf(task)).resolves.toBeDefined();
  });
});
