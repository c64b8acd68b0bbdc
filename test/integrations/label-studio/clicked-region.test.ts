/** A click is sent without the region it is meant for; of several on the screen, the one under it is where its answer begins. */
import { afterEach, describe, expect, it } from 'vitest';
import type { RefinePrompts } from '../../../src/core/engine/types.ts';
import { encodeBrushRleSync } from '../../../src/core/mask/brush-rle.ts';
import { emptyMask, fillBox } from '../../../src/core/mask/raster.ts';
import { fakeService, type FakeService } from '../../unit/adapters/fake-service.ts';
import { boxRegion, clickOf, NAME, picture, startBackend, taskOf, type Backend } from './backend-server.ts';

let backend: Backend;
let service: FakeService;
afterEach(() => backend.close());

async function start(): Promise<void> {
  service = fakeService({ labels: ['car', 'tree'] });
  backend = await startBackend({ service });
}

type Box = readonly [number, number, number, number];

/** A brush region of a box in pixels. */
function brush(box: Box, changes: object = {}): object {
  const mask = emptyMask(320, 240);
  fillBox(mask, box);
  return {
    ...{ id: `b${box.join('-')}`, type: 'brushlabels', from_name: 'tag', to_name: 'image', origin: 'prediction', image_rotation: 0 },
    ...{ original_width: 320, original_height: 240 },
    value: { format: 'rle', rle: Array.from(encodeBrushRleSync(mask)), brushlabels: ['car'] },
    ...changes,
  };
}

/** What SAM was asked for a click. */
async function begun(clicks: object[], held: object, config?: string): Promise<RefinePrompts | undefined> {
  const { status, text, json } = await backend.predict(
    [taskOf(1, held)],
    { result: clicks },
    config === undefined ? {} : { label_config: config },
  );
  expect(status, text).toBe(200);
  expect((json as { results: object[] }).results).toHaveLength(1);
  const last = service.state.calls.filter(({ name }) => name === 'predictions.refine').at(-1);
  service.state.calls.length = 0;
  return (last?.args as { prompts: RefinePrompts } | undefined)?.prompts;
}

const LEFT: Box = [16, 24, 80, 96];
const RIGHT: Box = [200, 120, 304, 216];
const predicted = (...result: unknown[]): object => ({ predictions: [{ id: 1, model_version: 'v', result }] });
/** In the middle of each. */
const ON_LEFT = [15, 25] as const;
const ON_RIGHT = [80, 70] as const;
const off = { is_positive: false };

describe('of several regions of the label, a click begins from', () => {
  it.each([
    ['the one it lies on', [clickOf(...ON_LEFT)], LEFT],
    ['the other one', [clickOf(...ON_RIGHT)], RIGHT],
    ['the one that all clicks on the object lie on', [clickOf(...ON_RIGHT), clickOf(78, 75), clickOf(...ON_LEFT, off)], RIGHT],
    ['both where it lies on both', [clickOf(...ON_LEFT), clickOf(...ON_RIGHT)], [16, 24, 304, 216]],
    ['the one that a click beside the object alone lies on', [clickOf(...ON_RIGHT, off)], RIGHT],
    ['the nearest of a click beside the object that lies on none', [clickOf(40, 20, off)], LEFT],
    ['the one of the newest of such clicks', [clickOf(...ON_RIGHT, off), clickOf(...ON_LEFT, off)], LEFT],
    ['none where it lies on none: it is another object', [clickOf(50, 90)], undefined],
    ['none where only some clicks lie on one', [clickOf(...ON_LEFT), clickOf(50, 90)], undefined],
  ])('%s', async (_, clicks, box) => {
    await start();
    expect((await begun(clicks, predicted(brush(LEFT), brush(RIGHT))))?.box).toEqual(box);
    // Without a prediction of the label as a whole, for which nobody waits.
    expect(service.state.calls).toEqual([]);
  });

  it('the smaller of two that lie on each other', async () => {
    await start();
    expect((await begun([clickOf(...ON_LEFT)], predicted(brush([0, 0, 160, 120]), brush(LEFT), brush(RIGHT))))?.box).toEqual(LEFT);
  });

  it('what is being edited before what was submitted before what was predicted', async () => {
    await start();
    const [edited, submitted, earlier] = [brush([16, 24, 90, 96]), brush([16, 24, 100, 96]), brush(LEFT)];
    const held = {
      predictions: [{ id: 1, result: [earlier, brush(RIGHT)] }],
      annotations: [{ id: 2, result: [submitted, brush(RIGHT)] }],
      drafts: [{ result: [edited, brush(RIGHT)] }],
    };
    expect((await begun([clickOf(...ON_LEFT)], held))?.box?.[2]).toBe(90);
    expect((await begun([clickOf(...ON_LEFT)], { ...held, drafts: [] }))?.box?.[2]).toBe(100);
    expect((await begun([clickOf(...ON_LEFT)], { ...held, drafts: [{ result: [] }], annotations: [] }))?.box?.[2]).toBe(80);
  });

  it('none of another label, image, page or size, nor of what cannot be read', async () => {
    await start();
    const others = [
      brush(LEFT, { value: { ...(brush(LEFT) as { value: object }).value, brushlabels: ['tree'] } }),
      brush(LEFT, { to_name: 'other' }),
      brush(LEFT, { item_index: 3 }),
      brush(LEFT, { original_width: 32, original_height: 24 }),
      brush(LEFT, { value: { format: 'rle', rle: [1, 2, 3], brushlabels: ['car'] } }),
      'nonsense',
    ];
    expect((await begun([clickOf(...ON_LEFT)], predicted(...others, brush(RIGHT))))?.box).toBeUndefined();
    expect((await begun([clickOf(...ON_RIGHT)], predicted(...others, brush(RIGHT))))?.box).toEqual(RIGHT);
  });
});

describe('regions of other forms', () => {
  const config = (control: string): string => `<View><Image name="image" value="$image"/>${control}
    <KeyPointLabels name="kp" toName="image" smart="true" smartOnly="true"><Label value="car"/></KeyPointLabels></View>`;
  const percent = ([x0, y0, x1, y1]: Box) => [x0 / 3.2, y0 / 2.4, x1 / 3.2, y1 / 2.4] as const;
  const common = { to_name: 'image', original_width: 320, original_height: 240, image_rotation: 0, origin: 'prediction' };
  const polygon = (box: Box): object => {
    const [x0, y0, x1, y1] = percent(box);
    const points = [[x0, y0], [x1, y0], [x1, y1], [x0, y1]]; // prettier-ignore
    return {
      ...common,
      id: `p${box[0]}`,
      type: 'polygonlabels',
      from_name: 'poly',
      value: { points, closed: true, polygonlabels: ['car'] },
    };
  };
  const rectangle = (box: Box, changes: object = {}): object => {
    const [x0, y0, x1, y1] = percent(box);
    const value = { x: x0, y: y0, width: x1 - x0, height: y1 - y0, rotation: 0, rectanglelabels: ['car'] };
    return { ...common, id: `r${box[0]}`, type: 'rectanglelabels', from_name: 'box', value, ...changes };
  };

  it.each([
    ['outlines', '<PolygonLabels name="poly" toName="image"><Label value="car"/></PolygonLabels>', polygon],
    ['boxes', '<RectangleLabels name="box" toName="image"><Label value="car"/></RectangleLabels>', rectangle],
    [
      'boxes of a control that is smart, too',
      '<RectangleLabels name="box" toName="image" smart="true"><Label value="car"/></RectangleLabels>',
      rectangle,
    ],
  ])('%s: the one under the click', async (_, control, made) => {
    await start();
    expect((await begun([clickOf(...ON_RIGHT)], predicted(made(LEFT), made(RIGHT)), config(control)))?.box).toEqual(RIGHT);
  });

  it('a pair of shape and label', async () => {
    await start();
    const pair = (box: Box): object[] => {
      const { value, ...rest } = brush(box) as { value: { brushlabels: string[] } };
      const { brushlabels: labels, ...shape } = value;
      return [
        { ...rest, type: 'brush', from_name: 'br', value: shape },
        { ...rest, type: 'labels', from_name: 'lab', value: { ...shape, labels } },
      ];
    };
    const control = '<Labels name="lab" toName="image"><Label value="car"/></Labels><Brush name="br" toName="image"/>';
    expect((await begun([clickOf(...ON_LEFT)], predicted(...pair(LEFT), ...pair(RIGHT)), config(control)))?.box).toEqual(LEFT);
  });

  it('what people drew is finished, and no region to begin from', async () => {
    await start();
    const drawn = [
      boxRegion(10, 10, 20, 30),
      boxRegion(60, 50, 30, 40),
      brush(LEFT, { origin: 'manual' }),
      brush(RIGHT, { origin: 'manual' }),
    ];
    for (const held of [{ annotations: [{ id: 3, result: drawn }] }, { drafts: [{ result: drawn.slice(2) }] }])
      expect((await begun([clickOf(...ON_RIGHT)], held))?.box).toBeUndefined();
    const corrected = [brush(LEFT, { origin: 'prediction-changed' }), ...drawn];
    expect((await begun([clickOf(...ON_LEFT)], { annotations: [{ id: 3, result: corrected }] }))?.box).toEqual(LEFT);
  });
});

describe('of one region', () => {
  it('a click begins where it was corrected by hand, and else from the prediction of the label as a whole', async () => {
    await start();
    const predict = service.predictions.predict.bind(service.predictions);
    service.predictions.predict = async (request, options) => {
      const response = await predict(request, options);
      return { ...response, masks: response.masks.map((one) => ({ ...one, lowResLogits: Float32Array.of(1, 2, 3) })) };
    };
    await service.annotations.accept({
      ...{ project: NAME, source: 'before', externalId: 'a', revision: 1, image: await picture('r'), provenance: 'drawn' },
      masks: [{ label: 'car', box: [1, 1, 5, 5] }],
    });
    // The fake's mask is round and in the middle.
    const held = { drafts: [{ result: [brush(LEFT)] }] };
    expect(await begun([clickOf(50, 50)], held)).toMatchObject({ maskInput: Float32Array.of(1, 2, 3) });
    const { box, maskInput } = (await begun([clickOf(...ON_LEFT)], held)) ?? {};
    expect([box, maskInput]).toEqual([LEFT, undefined]);
  });
});
