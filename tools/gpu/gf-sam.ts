/**
 * GF-SAM on a device: batches of points through the decoder, and the product of features. Its mask on a drawn scene has to be the CPU's.
 *   node tools/gpu/gf-sam.ts DEVICE [MODEL]
 */
import { createEngine } from '../../src/index.ts';
import { iou } from '../../src/core/mask/metrics.ts';
import type { EngineOptions } from '../../src/core/runtime/node/open-engine.ts';
import { sceneWith } from '../../src/scenes/scene-with.ts';

/** Points are picked and masks accepted by thresholds, which rounding may cross. */
const MIN_IOU = 0.9;
const CONCEPT = 3;

const [, , device, model = 'small'] = process.argv;
if (device === undefined) throw new Error('usage: node tools/gpu/gf-sam.ts DEVICE [MODEL]');
let seed = 700;
const [reference, target] = [sceneWith(CONCEPT, () => seed++), sceneWith(CONCEPT, () => seed++)];

async function maskOn(on: EngineOptions['device'] & string): Promise<Uint8Array> {
  await using engine = await createEngine({ model, device: on });
  const references = [{ image: reference.image, mask: reference.truth }];
  const started = performance.now();
  const { masks, milliseconds } = await engine.predict(target.image, references, { method: 'gf-sam', maxPoints: 64 });
  console.log(`${engine.info.device}: ${Math.round(performance.now() - started)} ms, decoder ${Math.round(milliseconds.decode ?? 0)} ms`);
  return masks[0]?.mask.data ?? new Uint8Array();
}

const [here, there] = [await maskOn('cpu'), await maskOn(device as EngineOptions['device'] & string)];
const agreement = iou(there, here);
console.log(`IoU of the masks ${agreement.toFixed(4)}`);
if (!(agreement >= MIN_IOU)) process.exitCode = 1;
