/** The built-in model against the numbers PyTorch gave for its known-answer pair (models/tiny/check.safetensors). */
import { aboveZero } from '../../../../src/core/mask/resize-map.ts';
import { afterAll, describe, expect, it } from 'vitest';
import { openModel } from '../../../../src/core/checkpoint/model-folder.ts';
import { geometryOf } from '../../../../src/core/image/geometry.ts';
import { reduceLabels } from '../../../../src/core/mask/label-reduction.ts';
import { iou } from '../../../../src/core/mask/metrics.ts';
import { checkModelWeights, createNetworks, preprocessOf } from '../../../../src/core/onnx/networks.ts';
import { nodeRuntime } from '../../../../src/core/runtime/node/ort-node.ts';
import { readTensors } from '../../../golden/golden-set.ts';

const FOLDER = 'models/tiny';
const TOLERANCE = 1e-4;

const model = await openModel(FOLDER);
const networks = createNetworks(model, nodeRuntime());
const tensors = readTensors(`${FOLDER}/check.safetensors`);
const known = (name: string): ArrayLike<number> => (tensors.get(name) as { data: ArrayLike<number> }).data;

/** [3, 256, 256] planes as interleaved pixels. */
function image(name: string) {
  const planes = known(name);
  const data = Uint8Array.from({ length: planes.length }, (_, i) => planes[(i % 3) * 65536 + Math.floor(i / 3)] as number);
  return { data, width: 256, height: 256, channels: 3 };
}

function largestDifference(actual: ArrayLike<number>, name: string): number {
  const expected = known(name);
  expect(actual.length, name).toBe(expected.length);
  return Array.from(actual).reduce((worst, value, i) => Math.max(worst, Math.abs(value - (expected[i] as number))), 0);
}

afterAll(() => networks.close());

describe('the built-in model', () => {
  it('has weights that fit its manifest', () => {
    checkModelWeights(model);
    expect([...model.sam.tensors.values()].reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0)).toBe(771_560);
    expect([...(model.promptEncoder ?? []).values()].reduce((sum, { data }) => sum + data.length, 0)).toBe(99_136);
  });

  it('hits the known answer at every stage', async () => {
    const encoder = model.manifest.prompt_encoder;
    if (encoder === undefined) throw new Error('the built-in model has a prompt encoder');
    const reference = await networks.encode(image('in.reference'));
    const target = await networks.encode(image('in.target'));
    const mask = { data: Uint8Array.from(known('in.reference_mask')), width: 256, height: 256 };
    const cells = reduceLabels(mask, { columns: 16, rows: 16, spanX: 256, spanY: 256 }, encoder.label_reduction);
    const pseudo = await networks.similarity(await networks.maskedHigh(reference, cells), cells, target.high, encoder.config.pseudoNorm);
    const distribution = await networks.promptDistribution(target.mid, pseudo, await networks.encodeReference(reference.mid, cells));
    const decoded = await networks.decodePrompts(target, distribution.mu);
    const square = geometryOf(preprocessOf(model)).toSquare({ data: decoded.logits.data, width: 64, height: 64 });

    const stages = {
      'out.reference_embedding': reference.embedding.data,
      'out.reference_mid': reference.mid.data,
      'out.target_embedding': target.embedding.data,
      'out.target_mid': target.mid.data,
      'out.reference_cells': cells,
      'out.pseudo_mask': pseudo.data,
      'out.mu': distribution.mu.data,
      'out.log_sigma': distribution.logSigma?.data ?? [],
      'out.low_res_logits': decoded.logits.data,
      'out.logits_256': square.data,
    };
    for (const [name, actual] of Object.entries(stages)) expect(largestDifference(actual, name), name).toBeLessThan(TOLERANCE);
    expect(iou(aboveZero(square.data), Uint8Array.from(known('truth.target_mask')))).toBeCloseTo(0.43, 2);
  });

  it('decodes many prompt sets on one image as it decodes them one by one', async () => {
    const { embedding } = await networks.encode(image('in.target'));
    const mu = Float32Array.from(known('out.mu'));
    const other = mu.map((value, i) => value + Math.sin(i));
    const together = await networks.decodePrompts({ embedding }, { data: Float32Array.from([...mu, ...other]), shape: [2, 50, 64] });
    const alone = await networks.decodePrompts({ embedding }, { data: other, shape: [1, 50, 64] });
    const second = together.logits.data.subarray(4096);
    expect(Math.max(...alone.logits.data.map((value, i) => Math.abs(value - (second[i] as number))))).toBeLessThan(TOLERANCE);
  });
});
