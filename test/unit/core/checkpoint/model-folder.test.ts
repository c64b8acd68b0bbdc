import { cp, mkdir, mkdtemp, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import type { Manifest } from '../../../../src/core/checkpoint/manifest.ts';
import { hashFile } from '../../../../src/core/checkpoint/hash-cache.ts';
import { openModel } from '../../../../src/core/checkpoint/model-folder.ts';
import { checkModelWeights } from '../../../../src/core/onnx/networks.ts';
import { expectCode, expectRejection } from '../expect-error.ts';

const TINY = fileURLToPath(new URL('../../../../models/tiny', import.meta.url));
const scratch = await mkdtemp(join(tmpdir(), 'prosam-model-'));
let folder = '';
let made = 0;

beforeEach(async () => {
  folder = join(scratch, `model ${made++}`);
  await cp(TINY, folder, { recursive: true });
});
afterAll(() => rm(scratch, { recursive: true, force: true }));

type Json = Record<string, unknown>;
interface ManifestJson {
  name: string;
  about: string;
  files: Record<string, string>;
  sam: Json & { config: Json };
  backbone: Json;
  prompt_encoder?: Json & { config: Json; trained_against: Json };
}

async function editManifest(edit: (manifest: ManifestJson) => void): Promise<void> {
  const path = join(folder, 'manifest.json');
  const manifest = JSON.parse(await readFile(path, 'utf8')) as ManifestJson;
  edit(manifest);
  await writeFile(path, JSON.stringify(manifest));
}

async function flipByte(file: string, at: number): Promise<void> {
  const path = join(folder, file);
  const bytes = await readFile(path);
  const index = at < 0 ? bytes.length + at : at;
  bytes[index] = (bytes[index] as number) ^ 1;
  await writeFile(path, bytes);
}

describe('openModel', () => {
  test('the built-in model, which fits its configuration', async () => {
    const model = await openModel(folder);
    expect(model.id).toMatch(/^tiny@[0-9a-f]{12}$/);
    expect(model.encoderId).toMatch(/^[0-9a-f]{12}$/);
    expect(model.sam.tensors.size).toBeGreaterThan(100);
    expect(model.promptEncoder?.get('queries')?.shape).toEqual([50, 64]);
    expect(model.backbone).toBeUndefined();
    checkModelWeights(model);
  });

  test('the same files anywhere are the same model', async () => {
    const [here, there] = [await openModel(folder), await openModel(TINY)];
    expect([here.id, here.encoderId]).toEqual([there.id, there.encoderId]);
  });

  test('any setting changes the id; the encoder’s id only what shapes an image’s features', async () => {
    const before = await openModel(folder);
    await editManifest((manifest) => Object.assign(manifest.prompt_encoder as Json, { nu: 6 }));
    const prompt = await openModel(folder);
    expect(prompt.id).not.toBe(before.id);
    expect(prompt.encoderId).toBe(before.encoderId);
    await editManifest((manifest) => (manifest.sam['mean'] = [1, 2, 3]));
    const mean = await openModel(folder);
    expect(mean.encoderId).not.toBe(before.encoderId);
    await editManifest((manifest) => (manifest.backbone['mid_blocks'] = [0, 3]));
    expect((await openModel(folder)).encoderId).not.toBe(mean.encoderId);
  });

  test('works without a prompt encoder', async () => {
    await editManifest((manifest) => delete manifest.prompt_encoder);
    const model = await openModel(folder);
    expect(model.promptEncoder).toBeUndefined();
    checkModelWeights(model);
  });

  test('works through a linked folder, linked files and a linked manifest', async () => {
    const store = join(scratch, `store ${made++}`);
    await mkdir(store);
    for (const [i, file] of ['manifest.json', 'sam.safetensors', 'prompt-encoder.safetensors'].entries()) {
      await rename(join(folder, file), join(store, `blob ${i}`));
      await symlink(join(store, `blob ${i}`), join(folder, file));
    }
    const link = join(scratch, `link ${made++}`);
    await symlink(folder, link);
    const model = await openModel(link);
    expect(model.id).toBe((await openModel(TINY)).id);
    // ONNX Runtime refuses weights behind a link, so the real place is what counts.
    expect([model.sam.folder, model.sam.file]).toEqual([store, 'blob 1']);
    checkModelWeights(model);
  });
});

describe('refused', () => {
  test.each([
    ['sam.safetensors', -1],
    ['sam.safetensors', 1_000_000],
    ['prompt-encoder.safetensors', -1],
    ['prompt-encoder.safetensors', 200_000],
  ])('one bit of %s changed at %i: MODEL_HASH_MISMATCH', async (file, at) => {
    const wanted = await hashFile(join(folder, file));
    await flipByte(file, at);
    await expectRejection('MODEL_HASH_MISMATCH', openModel(folder), file, wanted, await hashFile(join(folder, file)), 'fetch it again');
  });

  test('one bit of a header changed: one of the codes of a damaged file', async () => {
    for (const at of [0, 3, 7, 8, 9, 20, 31, 100, 1000, 9000]) {
      await flipByte('sam.safetensors', at);
      const problem = await openModel(folder).then(
        () => 'was opened',
        (error: unknown) => (error as { code?: string }).code,
      );
      expect(problem, `bit at byte ${at}`).toMatch(/^(MODEL_HASH_MISMATCH|CHECKPOINT_INVALID)$/);
      await flipByte('sam.safetensors', at);
    }
    expect((await openModel(folder)).id).toMatch(/^tiny@/);
  });

  test('a file cut short or made longer', async () => {
    const path = join(folder, 'sam.safetensors');
    const bytes = await readFile(path);
    await writeFile(path, bytes.subarray(0, -4));
    await expectRejection('CHECKPOINT_INVALID', openModel(folder), 'sam.safetensors');
    await writeFile(path, Buffer.concat([bytes, Buffer.of(0)]));
    await expectRejection('CHECKPOINT_INVALID', openModel(folder), 'sam.safetensors');
  });

  test('a missing folder, manifest or file: MODEL_NOT_FOUND, naming it', async () => {
    await expectRejection('MODEL_NOT_FOUND', openModel(join(scratch, 'nowhere')), 'nowhere', 'manifest.json');
    for (const file of ['prompt-encoder.safetensors', 'sam.safetensors', 'manifest.json']) {
      await rm(join(folder, file));
      await expectRejection('MODEL_NOT_FOUND', openModel(folder), file);
    }
  });

  test('folders where files should be: MODEL_NOT_FOUND', async () => {
    for (const file of ['sam.safetensors', 'manifest.json']) {
      await rm(join(folder, file));
      await mkdir(join(folder, file));
      await expectRejection('MODEL_NOT_FOUND', openModel(folder), file, 'folder');
    }
  });

  test('a manifest of a megabyte: MODEL_INVALID, unread', async () => {
    await editManifest((manifest) => (manifest.about = 'x'.repeat(1_000_000)));
    await expectRejection('MODEL_INVALID', openModel(folder), 'at most 1000000 bytes');
  });

  test('other SAM weights under a manifest that knows them: PROMPT_ENCODER_MISMATCH', async () => {
    await flipByte('sam.safetensors', -1);
    const hash = await hashFile(join(folder, 'sam.safetensors'));
    await editManifest((manifest) => (manifest.files['sam.safetensors'] = hash));
    await expectRejection('PROMPT_ENCODER_MISMATCH', openModel(folder), hash);
    await editManifest((manifest) => ((manifest.prompt_encoder?.trained_against as Json)['sam'] = hash));
    expect((await openModel(folder)).id).not.toBe((await openModel(TINY)).id);
  });
});

describe('a configuration that does not fit the checkpoint', () => {
  async function misfit(edit: (manifest: ManifestJson) => void): Promise<() => void> {
    await editManifest(edit);
    const model = await openModel(folder);
    return () => checkModelWeights(model);
  }

  test('CHECKPOINT_MISMATCH: missing names and wrong shapes in one error', async () => {
    const check = await misfit(({ sam }) => Object.assign(sam.config, { depth: 5, window_size: 7 }));
    expectCode(
      'CHECKPOINT_MISMATCH',
      check,
      'sam.safetensors',
      /missing: image_encoder\.blocks\.4\./,
      /shape: .*rel_pos_h should be \[13, 32\]/,
    );
  });

  test('CHECKPOINT_MISMATCH: tensors that belong to no part of the network', async () => {
    const check = await misfit(({ sam, backbone }) => {
      Object.assign(sam.config, { depth: 3, global_attn_indexes: [1] });
      Object.assign(backbone, { mid_blocks: [1, 2] });
    });
    expectCode('CHECKPOINT_MISMATCH', check, /not part of this network: image_encoder\.blocks\.3\./);
  });

  test('CHECKPOINT_MISMATCH: a prompt encoder of another size', async () => {
    const check = await misfit(({ prompt_encoder: encoder }) => Object.assign(encoder?.config as Json, { num_prompts: 20 }));
    expectCode('CHECKPOINT_MISMATCH', check, 'prompt-encoder.safetensors', /queries should be \[20, 64\], is \[50, 64\]/);
  });

  test('MODEL_INVALID: blocks and channels that the backbone does not have', async () => {
    const check = await misfit(({ backbone }) => Object.assign(backbone, { mid_blocks: [1, 4] }));
    expectCode('MODEL_INVALID', check, 'mid_blocks', 'depth of 4');
    const model = await openModel(TINY);
    const encoder = model.manifest.prompt_encoder as NonNullable<Manifest['prompt_encoder']>;
    const manifest = { ...model.manifest, prompt_encoder: { ...encoder, config: { ...encoder.config, midChannels: 96 } } };
    expectCode('MODEL_INVALID', () => checkModelWeights({ ...model, manifest }), 'mid_channels is 96', '192');
  });
});
