/** SAM 2 from files and from a hub, with the config.json that small and fine-tuned ones need. */
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createEngine } from '../../../../src/core/runtime/node/create-engine.ts';
import { generateScene } from '../../../../src/scenes/index.ts';
import { writeSafetensors, writeShards, writeTorch } from '../../../golden/checkpoint-writers.ts';
import { dinov2OfTransformers, samOfTransformers } from '../../../golden/foreign-names.ts';
import { openGoldenSet } from '../../../golden/golden-set.ts';
import { startHub, type HubServer, type ServedRepository } from '../../core/checkpoint/hub-server.ts';
import { expectRejection } from '../../core/expect-error.ts';
import { DINO, modelsPlace, SAM, sourcesOf } from './place.ts';

const GOLDEN = resolve('test/golden/sam2-data');
const { hf_config: json } = openGoldenSet(GOLDEN).manifest.weights['sam2_hf'] as { hf_config?: Record<string, unknown> };
const CONFIG = JSON.stringify(json);
const META = sourcesOf(join(GOLDEN, 'weights/sam2.safetensors'));
const TRANSFORMERS = sourcesOf(join(GOLDEN, 'weights/sam2_hf.safetensors'));
/** The same network for another side. */
const CONFIG_64 = CONFIG.replace('[128,128]', '[64,64]').replace('"image_size":128', '"image_size":64');

const here = modelsPlace();
const { models, manifestOf } = here;

/** A folder with what a writer puts there, and a config.json. */
function folderWith(write: (folder: string) => void, config: string = CONFIG): string {
  const folder = mkdtempSync(join(here.root, 'weights-'));
  write(folder);
  writeFileSync(join(folder, 'config.json'), config);
  return folder;
}
const metaFile = (config?: string): string =>
  join(
    folderWith((folder) => writeTorch(join(folder, 'sam2.pt'), META, { inside: 'model' }), config),
    'sam2.pt',
  );
const sizeOf = (name: string): unknown => (manifestOf(name)['sam'] as { config: { image_size: number } }).config.image_size;

describe('prosam models add with SAM 2', () => {
  it('says which one it is and what is not read, and keeps a model like any other', async () => {
    const file = metaFile();
    const { out, err } = await models('add', 'second', '--sam', file);
    expect(err.trim()).toBe(`${file}: SAM 2.1; the 14 tensors of its video part are not read.`);
    expect(out).toMatch(/second: SAM 2 Hiera of 8 blocks, 8 wide at first, at 128, .* methods persam, nearest/);
    expect(manifestOf('second')).toMatchObject({
      sam: { resize: 'stretch-float', config: { image_encoder: 'hiera', image_size: 128, global_att_blocks: [4], decoder_heads: 4 } },
      backbone: { kind: 'sam', mid_blocks: [0, 1] },
    });
    expect((await models('verify', 'second')).code).toBe(0);
    const { out: info } = await models('info', 'second');
    expect(info).toMatch(/images +128 x 128, resize stretch-float/);
    expect(info).toMatch(/sam +SAM 2 Hiera of 8 blocks.* 0\.19 M +F32/);

    const engine = await createEngine({ model: 'second' });
    const { width, height, image: data } = generateScene(11);
    const image = { data, width, height, channels: 3 as const };
    const { masks } = await engine.predict(image, [{ image, box: [20, 20, 90, 90] }], { method: 'persam' });
    expect(masks[0]?.mask.data).toHaveLength(width * height);
    await engine.close();
  });

  it('takes Hugging Face’s shards in half precision, and a backbone beside it', async () => {
    const folder = folderWith((place) => {
      writeShards(place, TRANSFORMERS, 2, 'BF16');
    });
    const { err, out } = await models('add', 'shards', '--sam', folder, '--backbone', DINO);
    expect(err).toContain('SAM 2.1; the 6 tensors');
    expect(out).toContain(' + DINOv2');
    expect(manifestOf('shards')).toMatchObject({ sam: { resize: 'stretch-float' }, backbone: { config: { kind: 'dinov2' } } });
    expect((await models('verify', 'shards')).code).toBe(0);
  });

  it('needs the config.json where the size is not published, or a manifest', async () => {
    const alone = join(GOLDEN, 'weights/sam2.safetensors');
    await expectRejection('CHECKPOINT_MISMATCH', models('add', 'alone', '--sam', alone), alone, 'published size', 'config.json');
    const folder = folderWith((place) => writeSafetensors(join(place, 'sam.safetensors'), META));
    await models('add', 'from-config', '--sam', join(folder, 'sam.safetensors'));
    const { locations, ...manifest } = manifestOf('from-config');
    expect(Object.values(locations as object)).toContain(join(folder, 'sam.safetensors'));
    const files = { 'sam.safetensors': (manifest['files'] as Record<string, string>)['sam.safetensors'] };
    writeFileSync(join(folder, 'manifest.json'), JSON.stringify({ ...manifest, files, known_answer: undefined }));
    writeFileSync(join(folder, 'config.json'), '{'); // no longer read
    await models('add', 'from-manifest', '--sam', join(folder, 'sam.safetensors'));
    expect(manifestOf('from-manifest')['sam']).toEqual(manifest['sam']);
  });

  it('runs at the image size of the config.json, or at the one that is given', async () => {
    await models('add', 'fine-tune', '--sam', metaFile(CONFIG_64));
    expect(sizeOf('fine-tune')).toBe(64);
    const file = metaFile();
    const { err } = await models('add', 'given', '--sam', file, '--image-size', '64');
    expect(sizeOf('given')).toBe(64);
    expect(err).toContain(`${join(dirname(file), 'config.json')} says 128 pixels; the image size that was given, 64, is used.`);
    expect((await models('verify', 'given')).code).toBe(0);
    await expectRejection('OPTION_INVALID', models('add', 'odd', '--sam', file, '--image-size', '100'), 'a multiple of 32, got 100');
    await expectRejection('OPTION_INVALID', models('add', 'first', '--sam', SAM, '--image-size', '512'), 'the only one', 'got 512');
    await models('add', 'first', '--sam', SAM, '--image-size', '128');
    expect(existsSync(join(here.place, 'odd'))).toBe(false);
  });
});

describe('prosam models pull with SAM 2', () => {
  let hub: HubServer;
  const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
  /** The bytes of model.safetensors. */
  const weights = (tensors: Parameters<typeof writeSafetensors>[1]): ServedRepository['files'] => {
    const path = join(mkdtempSync(join(here.root, 'served-')), 'model.safetensors');
    writeSafetensors(path, tensors);
    return { 'model.safetensors': new Uint8Array(readFileSync(path)) };
  };
  beforeAll(async () => {
    const second = weights(TRANSFORMERS);
    hub = await startHub({
      'facebook/sam2.1-hiera-tiny': { files: { ...second, 'config.json': bytes(CONFIG) }, license: 'apache-2.0' },
      'facebook/sam-vit-base': { files: { ...weights(samOfTransformers(sourcesOf(SAM))), 'config.json': bytes(CONFIG) } },
      'facebook/dinov2-small': { files: weights(dinov2OfTransformers(sourcesOf(DINO))), license: 'apache-2.0' },
      'acme/medical': {
        files: { 'fine/tuned.safetensors': second['model.safetensors'] as Uint8Array, 'fine/config.json': bytes(CONFIG_64) },
      },
      'acme/bare': { files: second },
      'acme/large-config': { files: { ...second, 'config.json': bytes(' '.repeat(1_000_001)) } },
    });
  });
  afterAll(() => hub.close());
  let count = 0;
  beforeEach(() => {
    hub.requests = [];
    Object.assign(process.env, { HF_ENDPOINT: hub.endpoint, HF_HOME: join(here.root, `hf-${count++}`) });
  });
  const asked = (name: string): boolean => hub.requests.some(({ path }) => path.endsWith(`/${name}`));

  it('brings in the config.json along, which an offline pull finds in the cache', async () => {
    const { out, err } = await models('pull', 'sam2.1-tiny');
    expect(out).toMatch(/^sam2\.1-tiny: SAM 2 Hiera .* methods persam, nearest/);
    expect(err).toContain('SAM 2.1; the 6 tensors');
    expect(asked('config.json')).toBe(true);
    expect(manifestOf('sam2.1-tiny')).toMatchObject({
      license: 'apache-2.0',
      about: expect.stringMatching(/^facebook\/sam2\.1-hiera-tiny at /) as string,
      backbone: { kind: 'sam', mid_blocks: [0, 1] },
    });
    expect((await models('verify', 'sam2.1-tiny')).code).toBe(0);
    hub.requests = [];
    await models('pull', 'sam2.1-tiny', '--as', 'again', '--offline');
    expect(hub.requests).toEqual([]);
    expect(sizeOf('again')).toBe(128);
    await models('pull', 'sam2.1-tiny', '--as', 'smaller', '--offline', '--image-size', '64');
    expect(sizeOf('smaller')).toBe(64);
  });

  it('puts it together with a backbone', async () => {
    const { out } = await models('pull', 'sam2.1-tiny', '--backbone', 'dinov2-s');
    expect(out).toMatch(/^sam2\.1-tiny-dinov2-s: SAM 2 Hiera .* \+ DINOv2/);
    expect((await models('verify', 'sam2.1-tiny-dinov2-s')).code).toBe(0);
  });

  it('reads a fine-tune’s config.json from beside its weights, wherever they lie in the repository', async () => {
    await models('pull', 'acme/medical', '--accept-license');
    expect(sizeOf('medical')).toBe(64);
    expect(asked('fine/config.json')).toBe(true);
  });

  it('fetches none for other weights, misses one that is needed, and takes none without bounds', async () => {
    await models('pull', 'sam-vit-b');
    expect(asked('config.json')).toBe(false);
    await expectRejection('CHECKPOINT_MISMATCH', models('pull', 'acme/bare', '--accept-license'), 'acme/bare', 'config.json');
    await expectRejection(
      'HUB_REFUSED',
      models('pull', 'acme/large-config', '--accept-license'),
      'config.json of at most 1000000 bytes, got 1000001',
    );
    expect(asked('config.json')).toBe(false);
  });
});
