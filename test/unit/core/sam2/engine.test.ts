/** The engine with SAM 2: every method, clicks, growing, checks, and each image encoded once. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sceneWith } from '../../../../src/scenes/scene-with.ts';
import type { Engine, MaskPrediction, RefinePrompts } from '../../../../src/core/engine/types.ts';
import { POINT_KINDS } from '../../../../src/core/networks/sam-prompt-encoder.ts';
import { type Decoded, type Networks } from '../../../../src/core/onnx/networks.ts';
import { countedEngine, type CountedEngine } from '../engine/counted-engine.ts';
import { SMALL_SAM2, writeSam2Folder, type Sam2FolderOptions } from './sam2-folder.ts';

const root = mkdtempSync(join(tmpdir(), 'prosam-sam2-engine-'));
afterAll(() => {
  rmSync(root, { recursive: true, force: true });
});

let seed = 10;
const scene = () => sceneWith(17, () => seed++);
const [first, second, target] = [scene(), scene(), scene()];
const marked = ({ image, truth }: typeof first) => ({ image, mask: truth }) as const;
/** Cells of a mask prompt: (4 g)^2 */
const LOW = 32 * 32;

let folders = 0;
const opened = async (options: Sam2FolderOptions): Promise<CountedEngine> =>
  countedEngine(await writeSam2Folder(join(root, String(folders++)), options), 2 ** 26);

/** Four masks of token 0 to 3 for prompts that stand as they are, straight from the networks. */
async function decoded(networks: Networks, points: readonly (readonly [number, number, (typeof POINT_KINDS)[number]])[], mask?: number) {
  const { width, height } = target.image;
  const side = SMALL_SAM2.imageSize;
  const xy = points.flatMap(([x, y]) => [(x * side) / width - 0.5, (y * side) / height - 0.5]);
  const kinds = points.flatMap(([, , kind]) => POINT_KINDS.map((name) => (name === kind ? 1 : 0)));
  return networks.decodePoints(
    await networks.encodeSam(target.image),
    { data: Float32Array.from(xy), shape: [1, points.length, 2] },
    { data: Float32Array.from(kinds), shape: [1, points.length, POINT_KINDS.length] },
    mask === undefined ? undefined : { data: new Float32Array(LOW).fill(mask), shape: [1, 1, 32, 32] },
  );
}

const tokenOf = ({ logits }: Decoded, token: number): Float32Array => logits.data.slice(token * LOW, (token + 1) * LOW);

describe.each(['sam', 'dino', 'resnet'] as const)('SAM 2 with the backbone %s', (backbone) => {
  let engine: Engine;
  let networks: Networks;
  let ran: CountedEngine['ran'];
  beforeAll(async () => {
    ({ engine, networks, ran } = await opened({ backbone }));
  });
  afterAll(() => engine.close());
  const refine = async (prompts: RefinePrompts) => (await engine.refine(target.image, prompts)).masks;

  it('encodes each image once, whatever is asked of it', async () => {
    await engine.prepare(target.image);
    const masks: MaskPrediction[] = [];
    for (const method of engine.info.methods) {
      const { masks: found, cached } = await engine.predict(target.image, [marked(first), marked(second)], {
        method,
        uncertaintyMap: true,
      });
      expect(cached).toBe(true);
      masks.push(...found);
    }
    await refine({ points: [[100, 100]] });
    expect(masks.map(({ method }) => method)).toEqual([
      'prosam',
      'persam',
      'nearest',
      'refined',
      'pieces',
      'pseudo',
      'gf-sam',
      'persam-paper',
      'persam-f',
      'matcher',
    ]);
    for (const { mask, uncertaintyMap } of masks) expect([mask.data.length, uncertaintyMap?.length]).toEqual([65536, 65536]);
    // SAM as the backbone shows all there is in one run; of another backbone only PerSAM as published shows SAM the references, too.
    expect(ran).toEqual(backbone === 'sam' ? { sam: 0, backbone: 3 } : { sam: 3, backbone: 3 });
  });

  it('answers one click with three masks, more with the one that is stable, and says whether there is an object', async () => {
    const three = await refine({ points: [[100, 120]] });
    const click = [100, 120, 'positive'] as const;
    const alone = await decoded(networks, [click, [0, 0, 'padding']]);
    expect(three.map(({ samIou }) => samIou)).toEqual([...alone.iou.data.slice(1)].sort((a, b) => b - a));
    const score = 1 / (1 + Math.exp(-(alone.objectScore?.data[0] as number)));
    for (const { objectScore } of three) expect(objectScore).toBeCloseTo(score, 6);

    const boxed = await refine({ points: [[100, 120]], box: [30, 40, 150, 160] });
    const corners = [[30, 40, 'boxTopLeft'], [150, 160, 'boxBottomRight']] as const; // prettier-ignore
    const withPadding = await decoded(networks, [click, ...corners, [0, 0, 'padding']]);
    const without = await decoded(networks, [click, ...corners]);
    expect(boxed).toHaveLength(1);
    const stays = stability(tokenOf(withPadding, 0)) >= 0.98;
    const ious = [...withPadding.iou.data];
    const token = stays ? 0 : ious.indexOf(Math.max(...ious.slice(1)), 1);
    expect(boxed[0]?.lowResLogits).toEqual(tokenOf(withPadding, token));
    expect(boxed[0]?.samIou).toBe(ious[token]);
    expect(boxed[0]?.objectScore).toBeGreaterThan(0);
    expect(tokenOf(without, token)).not.toEqual(tokenOf(withPadding, token));
  });

  it('takes a mask of its own back, limited as it was when SAM 2 was trained', async () => {
    const [earlier] = await refine({ box: [30, 40, 150, 160] });
    const [again] = await refine({ box: [30, 40, 150, 160], maskInput: earlier?.lowResLogits });
    expect(again?.lowResLogits).not.toEqual(earlier?.lowResLogits);
    const wild = async (value: number) => (await refine({ maskInput: new Float32Array(LOW).fill(value) }))[0]?.lowResLogits;
    expect(await wild(1000)).toEqual(await wild(32));
    expect(await wild(32)).not.toEqual(await wild(31));
  });

  it('grows points, boxes and strokes with the same prompts and the same rule', async () => {
    const annotations = [{ points: [[100, 120]] }, { box: [30, 40, 150, 160] }, { scribble: [[[50, 50], [90, 120]]] }] as const; // prettier-ignore
    for (const annotation of annotations) {
      const grown = await engine.referenceMask({ image: target.image, ...annotation }, { grow: true });
      const bare = await engine.referenceMask({ image: target.image, ...annotation }, { grow: false });
      expect(grown.area).toBeGreaterThan(0);
      expect(grown.mask.data).not.toEqual(bare.mask.data);
    }
    const box = await engine.referenceMask({ image: target.image, box: [30, 40, 150, 160] }, { grow: true });
    expect(box.mask.data).toEqual((await refine({ box: [30, 40, 150, 160] }))[0]?.mask.data);
  });

  it('checks itself on its references, and looks for a concept in many images', async () => {
    const two = await engine.selfCheck([marked(first), marked(second)]);
    expect(two.basis).toBe('leave-one-out');
    expect(Object.keys(two.methods).sort()).toEqual(['nearest', 'persam', 'prosam', 'pseudo', 'refined']);
    expect((await engine.selfCheck([marked(first)])).basis).toBe('mirrored-copy');
    const concept = await engine.concept([marked(first), marked(second)]);
    const { masks } = await concept.predict(target.image);
    expect(masks[0]?.method).toBe(two.best);
    expect((await engine.embedObject(marked(first))).length).toBe({ sam: 128, dino: 48, resnet: 96 }[backbone]);
  });
});

/** Share of the wider mask that the narrower one covers. */
function stability(logits: Float32Array): number {
  const above = (bound: number): number => logits.filter((value) => value > bound).length;
  return above(-0.05) === 0 ? 1 : above(0.05) / above(-0.05);
}

describe('the one mask of SAM 2', () => {
  const box = { box: [30, 40, 150, 160] } as const;
  const prompts = [[30, 40, 'boxTopLeft'], [150, 160, 'boxBottomRight'], [0, 0, 'padding']] as const; // prettier-ignore

  it.each([
    [0, 'token 0, where every mask is stable enough'],
    [1, 'the best of the others, where none is'],
  ])('with a least stability of %d is %s', async (least) => {
    const sam2 = { predObjScores: true, stability: { dynamicMultimaskStabilityDelta: 0.05, dynamicMultimaskStabilityThresh: least } };
    const { engine, networks } = await opened({ config: { ...SMALL_SAM2, sam2 }, withPromptEncoder: false });
    const all = await decoded(networks, prompts);
    const ious = [...all.iou.data];
    const [mask] = (await engine.refine(target.image, box)).masks;
    expect(mask?.lowResLogits).toEqual(tokenOf(all, least === 0 ? 0 : ious.indexOf(Math.max(...ious.slice(1)), 1)));
    await engine.close();
  });

  it('has logits of at most 32 where it is handed back, and all of them where it is drawn', async () => {
    const { engine, networks } = await opened({ loudness: 100, withPromptEncoder: false });
    const [mask] = (await engine.refine(target.image, box)).masks;
    const all = await decoded(networks, prompts);
    const loud = [...tokenOf(all, 0)];
    expect(Math.max(...loud.map(Math.abs))).toBeGreaterThan(40);
    expect(Math.max(...(mask?.lowResLogits ?? []).map(Math.abs))).toBe(32);
    await engine.close();
  });

  it('comes without a word about objects where the model has no head for that', async () => {
    const sam2 = { predObjScores: false, stability: { dynamicMultimaskStabilityDelta: 0.05, dynamicMultimaskStabilityThresh: 0.98 } };
    const { engine } = await opened({ config: { ...SMALL_SAM2, sam2 }, withPromptEncoder: false });
    const { masks } = await engine.refine(target.image, { points: [[100, 100]] });
    expect(masks).toHaveLength(3);
    for (const mask of masks) expect(mask).not.toHaveProperty('objectScore');
    await engine.close();
  });
});
