/** Controls that look at the task, in a real Label Studio: lists of images, labels of the task's data, shapes that `Labels` name. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { installLabelStudio } from '../../../../examples/label-studio/label-studio-server.ts';
import { iou } from '../../../../src/core/mask/metrics.ts';
import { waitFor } from '../../../e2e/scenario.ts';
import { imageOfTask, magentaPixels, MIN_SHOWN } from './browser.ts';
import { brushRegion, sceneFiles, type SceneFile } from './labelled-scenes.ts';
import { ARTIFACTS, realService, type StoredRegion } from './real-service.ts';

const missing = await installLabelStudio().then(
  () => false,
  () => true,
);
const LABEL = '<Label value="cup" background="#FF00FF"/>';

describe.skipIf(missing)('controls that look at the task', () => {
  const here = realService();
  let files: SceneFile[];
  /** Address of each file in Label Studio, in their order. */
  let addresses: string[];

  /** Connects a new project, and imports its tasks. -> their numbers */
  async function project(title: string, config: string, tasks: readonly object[]): Promise<number[]> {
    here.project = await here.client.createProject({ title, label_config: `<View>${config}</View>` });
    const connected = await here.command('connect', '--project', String(here.project.id));
    expect(connected, connected.output).toMatchObject({ code: 0 });
    await here.client.importTasks(here.project.id, tasks);
    const ids: number[] = [];
    for await (const { id } of here.client.tasks(here.project.id)) ids.push(id);
    return ids.sort((one, other) => one - other);
  }
  async function learned(task: number, result: object[]): Promise<number> {
    const { id } = await here.client.createAnnotation(task, { result, lead_time: 3 });
    await waitFor(async () => (await here.counted()).has(id));
    return id;
  }
  async function predicted(task: number): Promise<(StoredRegion & { id: string; type: string; item_index?: number })[]> {
    await here.client.act(here.project.id, 'retrieve_tasks_predictions', [task]);
    const [prediction] = await here.predictionsOf(task);
    return (prediction?.result ?? []) as (StoredRegion & { id: string; type: string; item_index?: number })[];
  }
  async function shown(task: number, name: string): Promise<number> {
    return magentaPixels(await imageOfTask(here.studio, here.project.id, task, join(ARTIFACTS, `${name}.png`)));
  }

  it('take uploads', async () => {
    files = await sceneFiles({ count: 4, firstSeed: 100, concept: 31 });
    const { id } = await here.client.createProject({ title: 'Files', label_config: '<View><Image name="image" value="$image"/></View>' });
    await here.client.uploadImages(id, files);
    const paths: string[] = [];
    for await (const { data } of here.client.tasks(id)) paths.push(String(data.image));
    addresses = files.map(({ name }) => paths.find((path) => path.endsWith(name)) ?? '');
    expect(addresses.every((path) => path.startsWith('/data/upload/'))).toBe(true);
  });

  it('valueList: each page is predicted, and is shown on its own page', async () => {
    const config = `<Image name="image" valueList="$pages"/><BrushLabels name="tag" toName="image">${LABEL}</BrushLabels>`;
    const [first = 0, second = 0] = await project('Pages', config, [{ pages: addresses.slice(0, 2) }, { pages: addresses.slice(2) }]);
    await learned(first, [{ ...brushRegion((files[1] as SceneFile).truth, 'cup'), item_index: 1 }]);
    const regions = await predicted(second);
    expect(regions.map(({ item_index }) => item_index)).toEqual([0, 1]);
    for (const region of regions) {
      const { truth } = files[2 + (region.item_index ?? 0)] as SceneFile;
      expect(iou(here.maskOf(region).data, truth.data)).toBeGreaterThan(0.2);
    }
    expect(await shown(second, 'pages')).toBeGreaterThan(MIN_SHOWN);
    const { code, output } = await here.command('doctor', '--project', String(here.project.id));
    expect(output).toContain('No problems found.');
    expect(code).toBe(0);
  });

  it('labels of the data of a task', async () => {
    const data = (image = '') => ({ image, classes: [{ value: 'cup', background: '#FF00FF' }] });
    const config = '<Image name="image" value="$image"/><BrushLabels name="tag" toName="image" value="$classes"/>';
    const [first = 0, second = 0] = await project('Labels of tasks', config, [data(addresses[0]), data(addresses[1])]);
    await learned(first, [brushRegion((files[0] as SceneFile).truth, 'cup')]);
    expect((await predicted(second)).map(({ value }) => value.brushlabels)).toEqual([['cup']]);
    expect(await shown(second, 'labels-of-tasks')).toBeGreaterThan(MIN_SHOWN);
  });

  it('Brush with Labels: a pair is learned from, and a pair is shown', async () => {
    const config = `<Image name="image" value="$image"/><Labels name="tag" toName="image">${LABEL}</Labels><Brush name="brush" toName="image"/>`;
    const [first = 0, second = 0] = await project('Pairs', config, [{ image: addresses[0] }, { image: addresses[1] }]);
    const { value, ...region } = brushRegion((files[0] as SceneFile).truth, 'cup');
    const { brushlabels, ...geometry } = value;
    await learned(first, [
      { ...region, type: 'brush', from_name: 'brush', value: geometry },
      { ...region, type: 'labels', value: { ...geometry, labels: brushlabels } },
    ]);
    const regions = await predicted(second);
    expect(regions.map(({ type }) => type)).toEqual(['brush', 'labels']);
    expect(new Set(regions.map(({ id }) => id)).size).toBe(1);
    expect(await shown(second, 'pairs')).toBeGreaterThan(MIN_SHOWN);
  });

  it('EllipseLabels: an ellipse is shown', async () => {
    const config = `<Image name="image" value="$image"/><EllipseLabels name="tag" toName="image">${LABEL}</EllipseLabels>`;
    const [first = 0, second = 0] = await project('Ellipses', config, [{ image: addresses[0] }, { image: addresses[1] }]);
    const region = brushRegion((files[0] as SceneFile).truth, 'cup');
    const value = { x: 50, y: 50, radiusX: 12, radiusY: 12, rotation: 0, ellipselabels: ['cup'] };
    await learned(first, [{ ...region, type: 'ellipselabels', value }]);
    const [ellipse] = await predicted(second);
    expect(ellipse).toMatchObject({ type: 'ellipselabels', value: { ellipselabels: ['cup'] } });
    expect(await shown(second, 'ellipses')).toBeGreaterThan(100);
  });
});
