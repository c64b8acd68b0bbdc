/**
 * Objects of one mask told apart: connected regions against the split by SAM, where the truth is known. Generated scenes, and pictures made of
 * real cut-outs (instances/cutouts.ts), each given the true mask of all objects together, and given the mask that `auto` predicts.
 *   npm run bench:instances -- [--data DIR] [--model M] [--split 0|1] [--scale N] [--true-only] [--rules COST:WEIGHT,...] [--points N,...] [--pictures DIR] [--threads N]
 * Split 0 is what the constants were chosen on, split 1 what is reported; they share no scene and no cut-out object. --scale: times as many pictures.
 * Photos stay where they are: publish no picture whose license does not allow it.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { pngFromRgb } from '../../src/cli/common/draw.ts';
import { openModel } from '../../src/core/checkpoint/model-folder.ts';
import { modelFolder } from '../../src/core/checkpoint/model-paths.ts';
import { callContext } from '../../src/core/engine/call-context.ts';
import { DEFAULT_MIN_INSTANCE_SHARE, DEFAULT_SEED, MAX_INSTANCE_POINTS } from '../../src/core/engine/defaults.ts';
import { createEngineCore } from '../../src/core/engine/engine.ts';
import { CUT_RULE, splitBySam } from '../../src/core/engine/instances/split-by-sam.ts';
import type { PixelImage } from '../../src/core/engine/types.ts';
import { geometryOf } from '../../src/core/image/geometry.ts';
import { nodeImageSource } from '../../src/core/image/node/source.ts';
import { rasterFromPixels } from '../../src/core/image/pixels.ts';
import { splitInstances, type Region } from '../../src/core/mask/instances.ts';
import { createNetworks, preprocessOf } from '../../src/core/onnx/networks.ts';
import { nodeRuntime } from '../../src/core/runtime/node/ort-node.ts';
import { bootstrapMean } from '../../src/training/evaluation/bootstrap.ts';
import { scoreInstances, type InstanceScore } from './instances/agreement.ts';
import type { InstanceCase } from './instances/cases.ts';
import { cutOutCases } from './instances/cutouts.ts';
import { sceneCases } from './instances/scenes.ts';

const { values } = parseArgs({
  options: {
    data: { type: 'string' },
    model: { type: 'string', default: 'small' },
    split: { type: 'string', default: '1' },
    scale: { type: 'string', default: '1' },
    rules: { type: 'string', default: `${CUT_RULE.mostCost}:${CUT_RULE.agreementWeight}` },
    points: { type: 'string', default: String(MAX_INSTANCE_POINTS) },
    pictures: { type: 'string' },
    threads: { type: 'string', default: '1' },
    'true-only': { type: 'boolean', default: false },
  },
});
const split = values.split === '0' ? 0 : 1;
const many = (touching: number, apart: number, single: number) => {
  const scale = Number(values.scale);
  return { touching: Math.round(scale * touching), apart: Math.round(scale * apart), single: Math.round(scale * single) };
};
const cases: (InstanceCase & { set: string })[] = sceneCases(many(40, 15, 30), split).map((one) => ({ ...one, set: 'generated scenes' }));
if (values.data !== undefined) {
  const { made, photos } = await cutOutCases(values.data, many(60, 15, 30), split);
  cases.push(...made.map((one) => ({ ...one, set: 'made of real cut-outs' })), ...photos.map((one) => ({ ...one, set: 'real photos' })));
}

const model = await openModel(modelFolder(values.model));
const networks = createNetworks(model, nodeRuntime({ threads: Number(values.threads) }));
const geometry = geometryOf(preprocessOf(model));
const engine = createEngineCore({ model, networks, source: nodeImageSource(), cacheBytes: 2 ** 28 });

const rows = new Map<string, InstanceScore[]>();
const note = (set: string, given: string, way: string, score: InstanceScore): void => {
  const key = [set, given, way].join(' | ');
  rows.set(key, [...(rows.get(key) ?? []), score]);
};
let splitMs = 0;
let splits = 0;
for (const one of cases) {
  const pixels = one.image as PixelImage & { width: number; height: number };
  const { width, height } = pixels;
  const features = await networks.encode(rasterFromPixels(pixels, Infinity));
  const target = { key: one.name, width, height, ...features } as Parameters<typeof splitBySam>[1];
  const context = callContext(undefined, { networks, geometry });
  const leastArea = DEFAULT_MIN_INSTANCE_SHARE * width * height;
  const given = [{ by: 'true mask', mask: one.union }];
  if (one.reference !== undefined && !values['true-only']) {
    const { masks } = await engine.predict(pixels, [one.reference], { threshold: 0, samples: 0 });
    given.push({ by: 'predicted mask', mask: (masks[0] as (typeof masks)[number]).mask });
  }
  for (const { by, mask } of given) {
    const set = `${one.set}, ${one.arrangement}`;
    note(set, by, 'connected regions', scoreInstances(one.instances, width, splitInstances(mask, leastArea)));
    for (const points of values.points.split(',')) {
      for (const rule of values.rules.split(',')) {
        const [mostCost, agreementWeight] = rule.split(':').map(Number) as [number, number];
        const started = performance.now();
        const options = { leastArea, rule: { ...CUT_RULE, mostCost, agreementWeight }, maxPoints: Number(points) };
        const found = await splitBySam(context, target, splitInstances(mask, leastArea), options);
        splitMs += performance.now() - started;
        splits++;
        note(set, by, `by SAM, ${points} points, ${rule}`, scoreInstances(one.instances, width, found));
        if (values.pictures !== undefined) await draw(values.pictures, `${one.name} ${by}`, pixels, found);
      }
    }
  }
}
await engine.close();

const figures = (list: readonly number[]): string => {
  if (list.length === 0) return '-';
  const { value, low, high } = bootstrapMean(list, DEFAULT_SEED);
  return `${value.toFixed(3)} (${low.toFixed(3)} to ${high.toFixed(3)})`;
};
console.log(`${values.model}, split ${split}: ${splits} splits by SAM, ${(splitMs / splits).toFixed(0)} ms each`);
console.log('set | given | way | pictures | instance F1 at 0.5 | IoU of matched | error of the count | too many');
for (const [key, scores] of rows) {
  const matched = scores.flatMap((score) => score.matched);
  const counts = scores.map(({ extra }) => Math.abs(extra));
  const tooMany = scores.filter(({ extra }) => extra > 0).length / scores.length;
  const cells = [key, scores.length, figures(scores.map(({ f1 }) => f1)), figures(matched), figures(counts), tooMany.toFixed(2)];
  console.log(cells.join(' | '));
}

/** Each object in a color of its own. */
async function draw(
  folder: string,
  name: string,
  image: { data: Uint8Array | Uint8ClampedArray; width: number; height: number },
  found: Region[],
): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const data = Uint8Array.from(image.data, (value) => 0.6 * value);
  found.forEach(({ boxXyxy: [x0, y0], mask }, i) => {
    const color = [0, 1, 2].map((channel) => 127 + 127 * Math.cos(2.4 * i + 2.1 * channel));
    mask.data.forEach((value, at) => {
      if (value === 0) return;
      const pixel = 3 * ((y0 + Math.floor(at / mask.width)) * image.width + x0 + (at % mask.width));
      for (let c = 0; c < 3; c++) data[pixel + c] = 0.5 * (image.data[pixel + c] as number) + 0.5 * (color[c] as number);
    });
  });
  writeFileSync(
    join(folder, `${name.replaceAll(/[^\w-]+/g, '-')}.png`),
    await pngFromRgb({ data, width: image.width, height: image.height }),
  );
}
