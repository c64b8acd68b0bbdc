/** Models added through the command line: what is known, believed and refused. */
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { safetensorsBytes } from '../../../../src/core/checkpoint/formats/safetensors.ts';
import { parseManifest } from '../../../../src/core/checkpoint/manifest.ts';
import { createEngine } from '../../../../src/core/runtime/node/create-engine.ts';
import { writeShards, writeTorch } from '../../../golden/checkpoint-writers.ts';
import { promptEncoderOfVrpSam, samOfTransformers } from '../../../golden/foreign-names.ts';
import { readTensors } from '../../../golden/golden-set.ts';
import { expectRejection } from '../../core/expect-error.ts';
import { DINO, modelsPlace, RESNET, SAM, sourcesOf, VGG, WEIGHTS } from './place.ts';

const here = modelsPlace();
const { root, start, models, manifestOf } = here;

describe('prosam models add', () => {
  it('describes the weights, runs them once and leaves them where they are', async () => {
    const { code, out } = await models('add', 'mine', '--sam', SAM, '--backbone', RESNET, '--license', 'CC0');
    expect([code, out]).toEqual([0, expect.stringMatching(/mine: SAM ViT .* \+ ResNet-\d+ at 512, .* methods persam, nearest/)]);
    expect(readdirSync(join(here.place, 'mine')).sort()).toEqual(['known-answer.safetensors', 'manifest.json']);
    expect(manifestOf('mine')).toMatchObject({
      license: 'CC0',
      locations: { 'sam.safetensors': SAM, 'backbone.safetensors': RESNET },
      sam: { resize: 'aligned', config: { embed_dim: 32, depth: 3 } },
      known_answer: 'known-answer.safetensors',
    });
    expect(readdirSync(here.place)).toEqual(['mine']); // nothing half done beside it
  });

  it('takes a SAM alone as its own backbone, padded as it was trained', async () => {
    await models('add', 'alone', '--sam', SAM);
    expect(manifestOf('alone')).toMatchObject({
      license: 'not stated',
      sam: { resize: 'longest-side' },
      backbone: { kind: 'sam', mid_blocks: [0, 1] },
    });
    await models('add', 'alone', '--sam', SAM, '--resize', 'stretch', '--force');
    expect(manifestOf('alone')).toMatchObject({ sam: { resize: 'stretch' } });
    const engine = await createEngine({ model: 'alone' });
    expect(engine.info).toMatchObject({
      methods: ['persam', 'nearest', 'refined', 'pieces', 'pseudo', 'gf-sam', 'persam-paper', 'persam-f', 'matcher'],
    });
    await engine.close();
  });

  it('knows Meta’s files, Hugging Face’s shards, and VRP-SAM’s prompt encoder, which becomes one without a distribution', async () => {
    const folder = join(root, 'published');
    mkdirSync(folder);
    writeTorch(join(folder, 'sam.pth'), sourcesOf(SAM));
    writeShards(folder, samOfTransformers(sourcesOf(SAM)), 3);
    const own = sourcesOf(join(WEIGHTS, 'prompt_encoder_vgg.safetensors')).filter(({ name }) => !/_head\./.test(name));
    writeTorch(join(folder, 'vrp-sam.pt'), promptEncoderOfVrpSam(own));
    await models('add', 'meta', '--sam', join(folder, 'sam.pth'), '--backbone', VGG, '--prompt-encoder', join(folder, 'vrp-sam.pt'));
    expect(manifestOf('meta')).toMatchObject({
      prompt_encoder: { file: 'prompt-encoder.pt', distribution: 'deterministic', config: { probabilistic: false } },
    });
    await models('add', 'shards', '--sam', join(folder, 'model.safetensors.index.json'));
    await models('add', 'folder', '--sam', folder);
    expect(Object.keys(manifestOf('shards')['files'] as object).sort()).toEqual(['known-answer.safetensors', 'model-00001-of-00003.safetensors', 'model-00002-of-00003.safetensors', 'model-00003-of-00003.safetensors', 'sam.index.json']); // prettier-ignore
    for (const name of ['meta', 'shards', 'folder']) expect((await models('verify', name)).code, name).toBe(0);
  });

  it('believes a prompt encoder that says what it is, and tells where it says something else about its SAM', async () => {
    const [tiny, weights] = ['models/tiny/manifest.json', 'models/tiny/prompt-encoder.safetensors'].map((path) => resolve(start, path)) as [
      string,
      string,
    ];
    const plan = (JSON.parse(readFileSync(tiny, 'utf8')) as { prompt_encoder: Record<string, unknown> }).prompt_encoder;
    const tensors = Object.fromEntries([...readTensors(weights)].map(([name, { data, shape }]) => [name, { dtype: 'F32' as const, shape, bytes: new Uint8Array(data.buffer) }])); // prettier-ignore
    const file = join(root, 'with-plan.safetensors');
    writeFileSync(file, safetensorsBytes(tensors, { prompt_encoder: JSON.stringify({ ...plan, file: undefined }) }));
    const sam = resolve(start, 'models/tiny/sam.safetensors');
    expect((await models('add', 'same', '--sam', sam, '--prompt-encoder', file, '--resize', 'stretch')).err).toBe('');
    expect(manifestOf('same')).toMatchObject({
      prompt_encoder: { nu: 5, label_reduction: { kind: 'area' }, config: { mask_gain: 10, num_heads: 4 } },
    });
    writeFileSync(
      file,
      safetensorsBytes(tensors, { prompt_encoder: JSON.stringify({ ...plan, file: undefined, trained_against: { sam: 'f'.repeat(64) } }) }),
    );
    expect((await models('add', 'other', '--sam', sam, '--prompt-encoder', file)).err).toMatch(
      /trained against other files \(SAM ffffffffffff/,
    );
  });

  it('believes the manifest beside weights that come from a model folder: no shape tells all of it', async () => {
    const tiny = resolve(start, 'models/tiny');
    const [sam, encoder] = [join(tiny, 'sam.safetensors'), join(tiny, 'prompt-encoder.safetensors')];
    expect((await models('add', 'twin', '--sam', sam, '--prompt-encoder', encoder)).err).toBe('');
    const [own, twin] = [JSON.parse(readFileSync(join(tiny, 'manifest.json'), 'utf8')) as Record<string, unknown>, manifestOf('twin')];
    for (const key of ['sam', 'backbone', 'prompt_encoder']) expect(twin[key], key).toEqual(own[key]);
    await models('add', 'without', '--sam', sam, '--backbone', DINO);
    expect(manifestOf('without')).toMatchObject({ sam: { config: { decoder_heads: 4 } } });
    expect(
      (await models('add', 'moved', '--sam', SAM, '--prompt-encoder', encoder).catch((error: unknown) => error)) as object,
    ).toMatchObject({ code: 'MODEL_INVALID' }); // another width
  });

  it('knows the photo model by its content, whatever its files are called, and asks for the manifest of another like it', async () => {
    const small = resolve(start, 'models/small');
    const folder = join(root, 'renamed');
    mkdirSync(folder);
    const [sam, encoder] = [join(folder, 'photos.safetensors'), join(folder, 'mine.safetensors')];
    copyFileSync(join(small, 'sam.safetensors'), sam);
    copyFileSync(join(small, 'prompt-encoder.safetensors'), encoder);
    expect((await models('add', 'renamed', '--sam', sam, '--prompt-encoder', encoder)).err).toBe('');
    const read = (manifest: unknown) => parseManifest(JSON.stringify(manifest), 'manifest');
    const own = read(JSON.parse(readFileSync(join(small, 'manifest.json'), 'utf8')));
    const added = read(manifestOf('renamed'));
    for (const key of ['sam', 'backbone'] as const) expect(added[key], key).toEqual(own[key]);
    expect(added.prompt_encoder).toEqual(own.prompt_encoder);
    const bytes = readFileSync(sam);
    bytes[bytes.length - 1] = (bytes.at(-1) as number) ^ 1;
    writeFileSync(sam, bytes);
    await expectRejection(
      'CHECKPOINT_MISMATCH',
      models('add', 'other', '--sam', sam),
      'EfficientNet-Lite2',
      'manifest.json',
      '--model FOLDER',
    );
    // Beside it under the model folder's name for it, the manifest says all of it.
    copyFileSync(join(small, 'manifest.json'), join(folder, 'manifest.json'));
    writeFileSync(join(folder, 'sam.safetensors'), bytes);
    await models('add', 'other', '--sam', join(folder, 'sam.safetensors'));
    expect(read(manifestOf('other')).sam).toEqual(own.sam);
  });

  it('keeps nothing that does not run, and replaces nothing unasked', async () => {
    await models('add', 'one', '--sam', SAM);
    const before = readFileSync(join(here.place, 'one', 'manifest.json'), 'utf8');
    await expectRejection('OPTION_INVALID', models('add', 'one', '--sam', SAM), 'called one already', '--force');
    await expectRejection('CHECKPOINT_MISMATCH', models('add', 'one', '--sam', RESNET, '--force'), RESNET);
    await expectRejection('CHECKPOINT_MISMATCH', models('add', 'two', '--sam', SAM, '--backbone', SAM), 'expected a backbone');
    await expectRejection('MODEL_INVALID', models('add', 'two', '--sam', SAM, '--resize', 'aligned'), 'aligned');
    await expectRejection('MODEL_INVALID', models('add', 'two', '--sam', SAM, '--backbone', VGG, '--prompt-encoder', join(WEIGHTS, 'prompt_encoder_dino.safetensors')), 'mid_channels'); // prettier-ignore
    await expectRejection('MODEL_NOT_FOUND', models('add', 'two', '--sam', join(root, 'nowhere.pth')), 'nowhere.pth');
    expect(readdirSync(here.place)).toEqual(['one']);
    expect(readFileSync(join(here.place, 'one', 'manifest.json'), 'utf8')).toBe(before);
  });

  it('stores one of several that come at once under one name', async () => {
    const results = await Promise.allSettled(Array.from({ length: 4 }, () => models('add', 'same', '--sam', SAM)));
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    for (const result of results) if (result.status === 'rejected') expect(String(result.reason)).toContain('called same already');
    expect(readdirSync(here.place)).toEqual(['same']);
    expect((await models('verify', 'same')).code).toBe(0);
  });

  it.each(['../up', '..', '.hidden', 'a/b', 'a\\b', '', 'a b', 'con', 'NUL.txt', 'dot.', 'x'.repeat(101), 'tiny', 'TINY', 'ä'])(
    'refuses the name %j',
    async (name) => {
      await expectRejection('OPTION_INVALID', models('add', name, '--sam', SAM));
      await expectRejection('OPTION_INVALID', models('remove', name));
      expect(existsSync(here.place)).toBe(false);
    },
  );

  it('says how it is used', async () => {
    for (const args of [
      ['add'],
      ['add', 'a'],
      ['add', 'a', 'b', '--sam', SAM],
      ['add', 'a', '--sam', SAM, '--resize', 'crop'],
      ['info'],
      ['remove'],
      ['verify'],
      ['nothing'],
      ['toString'],
      [],
    ])
      await expect(models(...args), args.join(' ')).rejects.toThrow(/expected/);
  });
});
