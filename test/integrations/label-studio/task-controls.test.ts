/** Controls that look at the task: lists of images, labels of the task's data, and shapes that `Labels` name. */
import { afterEach, describe, expect, it } from 'vitest';
import { encodeBrushRleSync } from '../../../src/core/mask/brush-rle.ts';
import { fakeService, type FakeService } from '../../unit/adapters/fake-service.ts';
import { clickOf, NAME, picture, startBackend, taskOf, type Backend } from './backend-server.ts';

let backend: Backend;
afterEach(() => backend.close());

const labels = (...names: string[]): string => names.map((name) => `<Label value="${name}"/>`).join('');
const PAGES = `<View><Image name="image" valueList="$pages"/>
  <BrushLabels name="tag" toName="image">${labels('car')}</BrushLabels>
  <KeyPointLabels name="kp" toName="image" smart="true" smartOnly="true">${labels('car')}</KeyPointLabels></View>`;
const OF_TASK = `<View><Image name="image" value="$image"/>
  <BrushLabels name="tag" toName="image" value="$classes">${labels('car')}</BrushLabels></View>`;
const PAIRS = `<View><Image name="image" value="$image"/>
  <Labels name="tag" toName="image">${labels('car', 'tree')}</Labels><Brush name="brush" toName="image"/>
  <KeyPoint name="kp" toName="image" smart="true" smartOnly="true"/></View>`;

const pagesTask = taskOf(1, { data: { pages: ['/data/upload/1/a.png', '/data/upload/1/b.png', '/data/upload/1/c.png'] } });
const rle = Array.from(encodeBrushRleSync({ data: new Uint8Array(320 * 240).fill(1, 0, 9), width: 320, height: 240 }));
const region = (changes: object) => ({
  ...{ id: 'r', type: 'brushlabels', from_name: 'tag', to_name: 'image', original_width: 320, original_height: 240, image_rotation: 0 },
  ...{ origin: 'manual', value: { format: 'rle', rle, brushlabels: ['car'] } },
  ...changes,
});

interface Region {
  id: string;
  type: string;
  from_name: string;
  item_index?: number;
  value: Record<string, unknown>;
}

async function start(config: string, known: string[] = ['car']) {
  const service = fakeService({ labels: known });
  backend = await startBackend({ service });
  const learned = async (): Promise<void> => {
    const masks = known.map((label) => ({ label, box: [1, 1, 5, 5] }));
    const image = await picture('reference');
    await service.annotations.accept({ project: NAME, source: 'before', externalId: 'a', revision: 1, image, provenance: 'drawn', masks });
  };
  const regionsOf = async (task: object, context: unknown = null): Promise<Region[]> => {
    const { json, text } = await backend.predict([task], context, { label_config: config });
    const [one] = (json as { results: ({ result: Region[] } | [])[] }).results;
    if (one === undefined || Array.isArray(one)) throw new Error(`nothing is stored: ${text}`);
    return one.result;
  };
  const project = { id: 1, created_at: '2026-11-22T16:31:53.521413Z', label_config: config };
  let at = 0;
  const submit = async (result: object[], task: object): Promise<void> => {
    const updated_at = `2026-11-22T16:31:56.${String(++at).padStart(6, '0')}Z`;
    const annotation = { id: 7, task: 1, was_cancelled: false, ground_truth: false, completed_by: 1, updated_at, result };
    await backend.call('POST', '/webhook', { action: 'ANNOTATION_UPDATED', project, annotation, task });
    await backend.adapter.idle();
  };
  const remove = async (): Promise<void> => {
    await backend.call('POST', '/webhook', { action: 'ANNOTATIONS_DELETED', project, annotations: [{ id: 7 }] });
    await backend.adapter.idle();
  };
  return { service, learned, regionsOf, submit, remove };
}

const stored = ({ state }: FakeService) =>
  state.annotations
    .filter(({ source }) => source === 'label-studio')
    .map(({ externalId, provenance, absent = [], labels: marked }) => [externalId, provenance, ...marked.map(({ label }) => label), absent])
    .sort();

describe('a list of images', () => {
  it('is predicted page by page, and each region says on which one it lies', async () => {
    const { learned, regionsOf } = await start(PAGES);
    await learned();
    expect((await regionsOf(pagesTask)).map(({ item_index }) => item_index)).toEqual([0, 1, 2]);
    expect(backend.fetched).toEqual(['/data/upload/1/a.png', '/data/upload/1/b.png', '/data/upload/1/c.png']);
  });

  it('is learned from page by page; what is taken back or deleted goes from all pages', async () => {
    const { service, submit, remove } = await start(PAGES);
    await submit([region({ item_index: 0 }), region({ id: 's', item_index: 2 })], pagesTask);
    expect(stored(service)).toEqual([
      ['7', 'drawn', 'car', []],
      ['7@pages[2]', 'drawn', 'car', []],
    ]);
    await submit([region({ item_index: 1 })], pagesTask);
    expect(stored(service)).toEqual([
      ['7', 'rejected', []],
      ['7@pages[1]', 'drawn', 'car', []],
    ]);
    await submit([], pagesTask);
    expect(stored(service).map(([id, said]) => [id, said])).toEqual([
      ['7', 'absent'],
      ['7@pages[1]', 'absent'],
      ['7@pages[2]', 'absent'],
    ]);
    await remove();
    expect(stored(service)).toEqual([]);
  });

  it('is clicked on the page that is open', async () => {
    const { service, regionsOf } = await start(PAGES);
    const context = { result: [clickOf(10, 10), clickOf(50, 50, { item_index: 1 })] };
    const [answer] = await regionsOf(pagesTask, context);
    expect(answer?.item_index).toBe(1);
    expect(backend.fetched).toEqual(['/data/upload/1/b.png']);
    const refined = service.state.calls.filter(({ name }) => name === 'predictions.refine').map(({ args }) => args);
    // The click on the other page is not about this one.
    expect(refined).toMatchObject([{ prompts: { points: [{ x: 160, y: 120 }] } }]);
  });

  it('that is endless costs its own task only, and says why', async () => {
    const { learned } = await start(PAGES);
    await learned();
    const endless = taskOf(2, { data: { pages: Array<string>(201).fill('/data/upload/1/a.png') } });
    const { json } = await backend.predict([endless, pagesTask], null, { label_config: PAGES });
    const { results } = json as { results: { result: Region[] }[] };
    expect(results[0]).toEqual([]);
    expect(results[1]?.result).toHaveLength(3);
    expect(backend.log.map(({ message }) => message).join()).toContain('expected at most 200 images in "pages", got 201');
  });
});

describe('labels of the data of a task', () => {
  const task = (...values: unknown[]) => taskOf(1, { data: { image: '/data/upload/1/1.png', classes: values } });

  it('are predicted where the task has them, beside those of the configuration', async () => {
    const { learned, regionsOf } = await start(OF_TASK, ['car', 'tree', 'dog']);
    await learned();
    const found = async (...values: unknown[]) => (await regionsOf(task(...values))).map(({ value }) => value.brushlabels);
    expect(await found({ value: 'tree' })).toEqual([['car'], ['tree']]);
    expect(await found({ value: 'a hound', alias: 'dog' }, { value: 'plant', children: [{ value: 'tree' }] })).toEqual([
      ['car'],
      ['dog'],
      ['tree'],
    ]);
    // The editor reads objects with a value alone.
    expect(await found('tree', 7, null, { value: 3 })).toEqual([['car']]);
  });

  it('are what an empty submit says is absent, and part of the version', async () => {
    const { service, submit } = await start(OF_TASK, ['car', 'tree']);
    await submit([], task({ value: 'tree' }));
    expect(stored(service)).toEqual([['7', 'absent', ['car', 'tree']]]);
    const asked = service.state.calls.filter(({ name }) => name === 'projects.get').map(({ args }) => args);
    await backend.predict([task({ value: 'tree' })], null, { label_config: OF_TASK });
    expect(service.state.calls.filter(({ name }) => name === 'projects.get').length).toBeGreaterThan(asked.length);
  });
});

describe('shapes that Labels name', () => {
  it('are answered in both parts of one region', async () => {
    const { learned, regionsOf } = await start(PAIRS, ['car', 'tree']);
    await learned();
    const regions = await regionsOf(taskOf(1));
    expect(regions.map(({ type, from_name, value }) => [type, from_name, value.labels])).toEqual([
      ['brush', 'brush', undefined],
      ['labels', 'tag', ['car']],
      ['brush', 'brush', undefined],
      ['labels', 'tag', ['tree']],
    ]);
    const ids = regions.map(({ id }) => id);
    expect([ids[0] === ids[1], ids[2] === ids[3], ids[0] === ids[2]]).toEqual([true, true, false]);
    expect(regions.every(({ value }) => Array.isArray(value.rle))).toBe(true);
  });

  it('are learned from as one mask, and say nothing without a name', async () => {
    const { service, submit } = await start(PAIRS);
    const shape = { type: 'brush', from_name: 'brush', value: { format: 'rle', rle } };
    await submit(
      [region({ ...shape, id: 'a' }), region({ type: 'labels', id: 'a', value: { format: 'rle', rle, labels: ['tree'] } })],
      taskOf(1),
    );
    expect(stored(service)).toEqual([['7', 'drawn', 'tree', []]]);
    await submit([region({ ...shape, id: 'a' })], taskOf(1));
    expect(stored(service)).toEqual([['7', 'rejected', []]]);
  });

  it('are clicked with points that Labels name', async () => {
    const { regionsOf } = await start(PAIRS);
    const { value, ...click } = clickOf(50, 50) as { value: object };
    const parts = [
      { ...click, type: 'keypoint', value: { x: 50, y: 50, width: 0.2 } },
      { ...click, type: 'labels', from_name: 'tag', value: { ...value, labels: ['tree'] } },
    ];
    const regions = await regionsOf(taskOf(1), { result: parts });
    expect(regions.map(({ type, value: { labels: named } }) => [type, named])).toEqual([
      ['brush', undefined],
      ['labels', ['tree']],
    ]);
  });
});
