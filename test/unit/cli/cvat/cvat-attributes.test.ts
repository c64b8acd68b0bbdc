/** `prosam cvat annotate --attributes` as people type it, with the built-in model against the stand-in. */
import { describe, expect, it } from 'vitest';
import { pngFromRgb } from '../../../../src/cli/common/draw.ts';
import { cvatRleFromMaskSync } from '../../../../src/core/mask/cvat-rle.ts';
import { TOKEN } from '../../../integrations/cvat/stand-in-cvat.ts';
import type { Task } from '../../../integrations/cvat/stand-in-forms.ts';
import { cvatPlace, scenesFrom } from './cvat-place.ts';
import { runCli } from '../run-cli.ts';

const { cvat, folder } = await cvatPlace('cvat-attributes');
const scenes = scenesFrom(1000, 2000);

const attribute = (id: number, name: string, input_type: string, values: string[], default_value: string) => ({
  ...{ id, name, input_type, values, default_value, mutable: false },
});
const ATTRIBUTES = [
  attribute(1, 'color', 'select', ['red', 'blue'], 'red'),
  attribute(2, 'age', 'number', ['0', '10', '1'], '0'),
  attribute(3, 'note', 'text', [''], ''),
];

type Values = [spec_id: number, value: string][];
const valued = (values: Values) => values.map(([spec_id, value]) => ({ spec_id, value }));

/** A task of two frames with a shape for each list of values on its first. */
async function taskWith(...references: Values[]): Promise<Task> {
  const frames = await Promise.all(
    scenes.map(async ({ image: { width, height, ...image } }, i) => ({
      ...{ name: `${i}.png`, width, height },
      bytes: await pngFromRgb({ ...image, width, height }),
    })),
  );
  const task = cvat.addTask({ frames, labels: [{ name: 'cup', attributes: ATTRIBUTES }] });
  const points = cvatRleFromMaskSync((scenes[0] as (typeof scenes)[number]).truth);
  for (const values of references) {
    const shape = cvat.addShape(task, { type: 'mask', frame: 0, label: 'cup', points });
    Object.assign(shape, { attributes: valued(values) });
  }
  return task;
}

const annotate = ({ id }: Task, ...args: string[]) =>
  runCli(['cvat', 'annotate', '--server', cvat.url, '--token', TOKEN, '--task', String(id), '--method', 'prosam', ...args], folder);
const made = (task: Task) => cvat.shapes(task).filter(({ source }) => source === 'auto');

describe('prosam cvat annotate --attributes', () => {
  it('prints the values of the reference, gives them to new shapes, and goes on only with the same option', async () => {
    const task = await taskWith([
      [1, 'blue'],
      [2, '7'],
    ]);
    const call = ['--reference-frame', '0'];
    const { code, stderr } = await annotate(task, ...call, '--attributes');
    expect(code, stderr).toBe(0);
    expect(stderr).toContain('Attributes of cup: color blue, age 7, note no text.\n');
    expect(stderr).toContain('1 frames with 1 new shapes');
    expect(made(task).map(({ frame, attributes }) => [frame, attributes])).toEqual([
      [
        1,
        valued([
          [1, 'blue'],
          [2, '7'],
          [3, ''],
        ]),
      ],
    ]);
    const other = await annotate(task, ...call);
    expect(other.code).toBe(2);
    expect(other.stderr).toContain('attributes');
    expect(made(task)).toHaveLength(1);
  });

  it('says where references differ, and leaves the default to CVAT there', async () => {
    const task = await taskWith([[1, 'blue']], [[3, 'chipped']]);
    const { code, stderr } = await annotate(task, '--reference-frame', '0', '--attributes', '--dry-run', '--out', 'drawn');
    expect(code, stderr).toBe(0);
    expect(stderr).toContain('Attributes of cup: age 0.\n');
    expect(stderr).toContain("Attribute color of cup: its references differ (blue, red), so CVAT's default is used.\n");
    expect(stderr).toContain("Attribute note of cup: its references differ (no text, chipped), so CVAT's default is used.\n");
    expect(made(task)).toEqual([]);
  });

  it('without it says nothing of values and sends none', async () => {
    const task = await taskWith([[1, 'blue']]);
    const { code, stderr } = await annotate(task, '--reference-frame', '0');
    expect(code, stderr).toBe(0);
    expect(stderr).not.toContain('Attribute');
    expect(made(task).map(({ attributes }) => attributes)).toEqual([[]]);
  });

  it.each([
    ['a value the label does not allow', [[1, 'green']] as Values, 'to be one of red, blue, got "green"'],
    ['a number beyond its range', [[2, '11']] as Values, 'to be a number from 0 to 10, got "11"'],
  ])('%s ends it before anything is uploaded', async (_, values, said) => {
    const task = await taskWith(values);
    const { code, stderr } = await annotate(task, '--reference-frame', '0', '--attributes');
    expect(code).toBe(2);
    expect(stderr).toContain('OPTION_INVALID');
    expect(stderr).toContain(said);
    expect(stderr).toContain('Correct it in CVAT and save, or run without --attributes.');
    expect(made(task)).toEqual([]);
  });

  it('needs a frame that the values are of', async () => {
    const task = await taskWith([[1, 'blue']]);
    const { code, stderr } = await annotate(task, '--attributes', '--url', 'http://127.0.0.1:9', '--project', 'kitchen/cups');
    expect(code).toBe(2);
    expect(stderr).toContain('expected --reference-frame N with --attributes');
  });
});
