/** Annotations without a mask: skipped, empty, erased, answered with something else, or not to be read. */
import { afterEach, describe, expect, it } from 'vitest';
import { encodeBrushRleSync } from '../../../src/core/mask/brush-rle.ts';
import { fakeService, type FakeService } from '../../unit/adapters/fake-service.ts';
import { startBackend, taskOf, type Backend } from './backend-server.ts';

const WIDTH = 320;
const HEIGHT = 240;
let backend: Backend;
afterEach(() => backend.close());

const project = (config: string) => ({ id: 1, created_at: '2026-11-22T16:31:53.521413Z', label_config: `<View>${config}</View>` });
const labels = (...names: string[]): string => names.map((name) => `<Label value="${name}"/>`).join('');
const ONE = `<Image name="image" value="$image"/><BrushLabels name="tag" toName="image">${labels('car', 'bus')}</BrushLabels>
  <KeyPointLabels name="kp" toName="image" smart="true" smartOnly="true">${labels('prompt')}</KeyPointLabels>
  <Choices name="light" toName="image"><Choice value="day"/></Choices>`;
const TWO = `<Image name="left" value="$image"/><Image name="right" value="$other"/>
  <BrushLabels name="onLeft" toName="left">${labels('car')}</BrushLabels><BrushLabels name="onRight" toName="right">${labels('bus')}</BrushLabels>`;

const brush = (painted: (x: number) => boolean): number[] => {
  const data = Uint8Array.from({ length: WIDTH * HEIGHT }, (_, i) => (painted(i % WIDTH) ? 1 : 0));
  return Array.from(encodeBrushRleSync({ data, width: WIDTH, height: HEIGHT }));
};
const region = (rle: number[], changes: object = {}) => ({
  ...{
    id: 'r',
    type: 'brushlabels',
    from_name: 'tag',
    to_name: 'image',
    original_width: WIDTH,
    original_height: HEIGHT,
    image_rotation: 0,
  },
  ...{ origin: 'prediction-changed', value: { format: 'rle', rle, brushlabels: ['car'] } },
  ...changes,
});
const choice = { id: 'c', type: 'choices', from_name: 'light', to_name: 'image', value: { choices: ['day'] } };

async function start(config = ONE) {
  const service = fakeService({ labels: ['car', 'bus'] });
  backend = await startBackend({ service });
  let at = 0;
  const submit = async (changes: object, task = taskOf(1)): Promise<void> => {
    const updated_at = `2026-11-22T16:31:56.${String(++at).padStart(6, '0')}Z`;
    const annotation = { id: 7, task: 1, was_cancelled: false, ground_truth: false, completed_by: 1, updated_at, ...changes };
    const body = { action: 'ANNOTATION_UPDATED', project: project(config), annotation, task };
    expect((await backend.call('POST', '/webhook', body)).status).toBe(200);
    await backend.adapter.idle();
  };
  return { service, submit };
}
const counts = ({ state }: FakeService) =>
  state.annotations
    .map(({ externalId, provenance, absent, labels: marked }) => [
      externalId,
      provenance,
      ...marked.map(({ label }) => label),
      absent ?? [],
    ])
    .sort();

describe('an annotation without masks', () => {
  it('that is empty says that no label of the configuration is in the image, prompts apart', async () => {
    const { service, submit } = await start();
    await submit({ result: [] });
    expect(counts(service)).toEqual([['7', 'absent', ['car', 'bus']]]);
    await submit({ result: [region(brush((x) => x < 9))] });
    expect(counts(service)).toEqual([['7', 'edited', 'car', []]]);
  });

  it('that is skipped says nothing, whatever is left in it, and takes back what was said', async () => {
    const { service, submit } = await start();
    await submit({ result: [] });
    await submit({ was_cancelled: true, result: [] });
    expect(counts(service)).toEqual([['7', 'skipped', []]]);
    await submit({ was_cancelled: true, result: [region(brush((x) => x < 9))] });
    expect(counts(service)).toEqual([['7', 'skipped', []]]);
  });

  it('that holds a choice alone was not submitted empty', async () => {
    const { service, submit } = await start();
    await submit({ result: [choice] });
    expect(counts(service)).toEqual([['7', 'rejected', []]]);
  });

  it('that cannot be read says nothing at all', async () => {
    const { service, submit } = await start();
    for (const result of [undefined, 'text', [7], ['x', null], Array<number>(10_001).fill(7)]) await submit({ result });
    expect(counts(service).filter(([, provenance]) => provenance === 'absent')).toEqual([]);
    await submit({ result: [region([1, 2, 3])] });
    expect(counts(service).filter(([, provenance]) => provenance === 'absent')).toEqual([]);
  });

  it('whose every pixel was erased is empty; one that was erased in part has the rest as its mask', async () => {
    const { service, submit } = await start();
    await submit({ result: [region(brush(() => false))] });
    expect(counts(service)).toEqual([['7', 'absent', ['car', 'bus']]]);
    // An unreadable region beside it may have shown something.
    await submit({ id: 8, result: [region(brush(() => false)), region([1, 2, 3])] });
    expect(counts(service)).toHaveLength(1);
    await submit({ result: [region(brush((x) => x >= 100))] });
    expect(counts(service)).toEqual([['7', 'edited', 'car', []]]);
  });

  it('with two images says of each what can be marked in it, and of a missing one nothing', async () => {
    const { service, submit } = await start(TWO);
    const task = taskOf(1, { data: { image: '/data/upload/1/1.png', other: '/data/upload/1/2.png' } });
    await submit({ result: [] }, task);
    expect(counts(service)).toEqual([
      ['7', 'absent', ['car']],
      ['7@other', 'absent', ['bus']],
    ]);
    await submit({ result: [] }, taskOf(1));
    expect(counts(service)).toContainEqual(['7', 'absent', ['car']]);
  });

  it('of one image alone takes back what was said of the other', async () => {
    const { service, submit } = await start(TWO);
    const task = taskOf(1, { data: { image: '/data/upload/1/1.png', other: '/data/upload/1/2.png' } });
    const left = region(
      brush((x) => x < 9),
      { from_name: 'onLeft', to_name: 'left' },
    );
    const right = { ...region(brush((x) => x < 9)), from_name: 'onRight', to_name: 'right' };
    await submit({ result: [left, right] }, task);
    expect(counts(service).map(([id]) => id)).toEqual(['7', '7@other']);
    await submit({ result: [left] }, task);
    expect(counts(service).map(([id]) => id)).toEqual(['7']);
  });
});
