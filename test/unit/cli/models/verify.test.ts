/** Models proved through the command line: their files and what they compute. */
import { createHash } from 'node:crypto';
import { copyFileSync, cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { safetensorsBytes } from '../../../../src/core/checkpoint/formats/safetensors.ts';
import { writeSafetensors } from '../../../golden/checkpoint-writers.ts';
import { expectRejection } from '../../core/expect-error.ts';
import { runCli } from '../run-cli.ts';
import { modelsPlace, SAM, sourcesOf, VGG, type Said } from './place.ts';

const here = modelsPlace();
const { root, start, models, json, manifestOf } = here;

describe('prosam models verify', () => {
  it('finds a file that was changed, whatever is remembered of it, and one that is gone', async () => {
    const sam = join(root, 'changing.safetensors');
    copyFileSync(SAM, sam);
    await models('add', 'mine', '--sam', sam);
    const bytes = readFileSync(sam);
    bytes[bytes.length - 1] = (bytes.at(-1) as number) ^ 1;
    writeFileSync(sam, bytes);
    const changed = await models('verify', 'mine');
    expect([changed.code, changed.out]).toEqual([1, expect.stringMatching(/changing\.safetensors is changed\. Fetch or add it again/)]);
    rmSync(join(here.place, 'mine', 'known-answer.safetensors'));
    copyFileSync(SAM, sam);
    expect(await json('verify', 'mine')).toMatchObject({
      passed: false,
      files: [{ state: 'same' }, { name: 'known-answer.safetensors', state: 'gone' }],
    });
  });

  it('finds a model that computes something else', async () => {
    await models('add', 'mine', '--sam', SAM);
    const manifest = manifestOf('mine') as { sam: { mean: number[] } };
    manifest.sam.mean = [0, 0, 0];
    writeFileSync(join(here.place, 'mine', 'manifest.json'), JSON.stringify(manifest));
    const { code, out } = await models('verify', 'mine');
    expect([code, out]).toEqual([1, expect.stringContaining('DISAGREES')]);
  });

  it('proves the built-in model by the numbers that came with it, and measures a device against the CPU', async () => {
    const report = await json<{ comparisons: { stages: { stage: string; values: number; relative: number }[] }[] }>(
      'verify',
      'tiny',
      '--threads',
      '1',
      '--device',
      'cpu',
    );
    const stages = report.comparisons[0]?.stages ?? [];
    expect(stages.map(({ stage }) => stage)).toEqual(['reference_embedding', 'reference_mid', 'target_embedding', 'target_mid', 'pseudo_mask', 'mu', 'log_sigma', 'low_res_logits']); // prettier-ignore
    for (const { relative, values } of stages) expect(relative).toBeLessThan(values > 0 ? 1e-5 : 0);
    await expectRejection('DEVICE_UNAVAILABLE', models('verify', 'tiny', '--device', process.platform === 'darwin' ? 'cuda' : 'coreml'));
  });

  it('measures what a precision changes, of a model that was added too', async () => {
    await models('add', 'mine', '--sam', SAM, '--backbone', VGG);
    const { code, out } = await models('verify', 'mine', '--precision', 'fp16');
    expect([code, out]).toEqual([0, expect.stringMatching(/fp16/)]);
  });

  it('measures a precision on annotated images of one’s own, from a reference to its target', async () => {
    const data = join(root, 'photos');
    await runCli(['scenes', data, '--images', '192', '--size', '64'], root);
    const report = await json<{ agreement: { images: number; of: string; maskIou: { mean: number }; predictionIou: { mean: number } } }>(
      ...['verify', 'tiny', '--precision', 'fp16', '--data', data, '--pairs', '2'],
    );
    expect(report.agreement).toMatchObject({ images: 4, of: `images of ${data}`, passed: true });
    expect(report.agreement.predictionIou.mean).toBeGreaterThan(0.9);
    await expect(models('verify', 'tiny', '--data', data)).rejects.toThrow(/--data belongs to --precision/);
  });

  it('refuses a known answer that is none', async () => {
    await models('add', 'mine', '--sam', SAM);
    const response = join(here.place, 'mine', 'known-answer.safetensors');
    const replaced = (tensors: Parameters<typeof safetensorsBytes>[0]): Promise<Said> => {
      const bytes = safetensorsBytes(tensors);
      writeFileSync(response, bytes);
      const manifest = manifestOf('mine') as { files: Record<string, string> };
      manifest.files['known-answer.safetensors'] = createHash('sha256').update(bytes).digest('hex');
      writeFileSync(join(here.place, 'mine', 'manifest.json'), JSON.stringify(manifest));
      return models('verify', 'mine');
    };
    const pixels = { dtype: 'U8' as const, shape: [3, 8, 8], bytes: new Uint8Array(192) };
    const mask = { dtype: 'U8' as const, shape: [8, 8], bytes: new Uint8Array(64).fill(1) };
    await expectRejection('MODEL_INVALID', replaced({}), 'no marked image');
    await expectRejection(
      'MODEL_INVALID',
      replaced({ 'in.reference': { ...pixels, shape: [8, 8, 3] }, 'in.reference_mask': mask }),
      'no marked image',
    );
    await expectRejection('MODEL_INVALID', replaced({ 'in.reference': pixels, 'in.reference_mask': mask }), 'none of this model');
    const nan = { dtype: 'F32' as const, shape: [2], bytes: new Uint8Array(Float32Array.of(NaN, 1).buffer) };
    const { code, out } = await replaced({ 'in.reference': pixels, 'in.reference_mask': mask, 'out.reference_mid': nan });
    expect([code, out]).toEqual([1, expect.stringContaining('DISAGREES')]);
  });

  it('is not needed for weights that give no numbers: those are not kept', async () => {
    const broken = join(root, 'nan.safetensors');
    writeSafetensors(
      broken,
      sourcesOf(SAM).map((one) => (one.name.includes('neck.0') ? { ...one, values: () => one.values().fill(NaN) } : one)),
    );
    await expectRejection('ENGINE_FAILED', models('add', 'broken', '--sam', broken), 'no numbers');
    expect(readdirSync(here.place)).toEqual([]);
  });

  it('proves the files alone of a model without a known answer', async () => {
    cpSync(resolve(start, 'models/tiny'), join(root, 'bare'), { recursive: true });
    const manifest = JSON.parse(readFileSync(join(root, 'bare/manifest.json'), 'utf8')) as Record<string, unknown>;
    writeFileSync(join(root, 'bare/manifest.json'), JSON.stringify({ ...manifest, known_answer: undefined }));
    const { code, err } = await models('verify', join(root, 'bare'));
    expect([code, err]).toEqual([0, expect.stringContaining('no known answer')]);
  });
});
