/** Models on this machine through the command line: added, listed, described, proved, removed. */
import { createHash } from 'node:crypto';
import { copyFileSync, cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'; // prettier-ignore
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { modelsCommand } from '../../../src/cli/models.ts';
import { safetensorsBytes } from '../../../src/core/checkpoint/formats/safetensors.ts';
import { createEngine } from '../../../src/core/runtime/node/create-engine.ts';
import { openStorage } from '../../../src/storage/open-storage.ts';
import { writeSafetensors, writeShards, writeTorch, type TensorSource } from '../../golden/checkpoint-writers.ts';
import { promptEncoderOfVrpSam, samOfTransformers } from '../../golden/foreign-names.ts';
import { readTensors } from '../../golden/golden-set.ts';
import { expectRejection } from '../core/expect-error.ts';
import { runCli } from './run-cli.ts';

const WEIGHTS = resolve('test/golden/data/weights');
const SAM = join(WEIGHTS, 'sam.safetensors');
const RESNET = join(WEIGHTS, 'backbone_resnet_plain.safetensors');
const VGG = join(WEIGHTS, 'backbone_vgg.safetensors');
const DINO = join(WEIGHTS, 'backbone_dinov2.safetensors');
const root = mkdtempSync(join(tmpdir(), 'prosam-here-'));
const start = process.cwd();
let place = '';
let count = 0;

beforeAll(() => process.chdir(root)); // no configuration and no store of the project
beforeEach(() => {
  place = join(root, `models-${count++}`);
  // In place: workers and child processes get a copy of this very object.
  Object.assign(process.env, { PROSAM_MODELS: place, XDG_CACHE_HOME: join(root, 'cache'), HF_HOME: join(root, 'hf') });
});
afterAll(() => {
  process.chdir(start);
  rmSync(root, { recursive: true, force: true });
});

interface Said {
  code: number;
  out: string;
  err: string;
}

async function models(...args: string[]): Promise<Said> {
  const said = { out: '', err: '' };
  const print = (line: string): void => void (said.out += `${line}\n`);
  const code = await modelsCommand(args, { print, warn: (line) => void (said.err += `${line}\n`) });
  return { code, ...said };
}

const json = async <T>(...args: string[]): Promise<T> => JSON.parse((await models(...args, '--json')).out) as T;
const manifestOf = (name: string): Record<string, unknown> => JSON.parse(readFileSync(join(place, name, 'manifest.json'), 'utf8')) as Record<string, unknown>; // prettier-ignore

function sourcesOf(file: string): TensorSource[] {
  return [...readTensors(file)].map(([name, { data, shape }]) => ({ name, shape, values: () => Float32Array.from(data) }));
}

describe('prosam models add', () => {
  it('describes the weights, runs them once and leaves them where they are', async () => {
    const { code, out } = await models('add', 'mine', '--sam', SAM, '--backbone', RESNET, '--licence', 'CC0');
    expect([code, out]).toEqual([0, expect.stringMatching(/mine: SAM ViT .* \+ ResNet-\d+ at 512, .* methods persam, nearest/)]);
    expect(readdirSync(join(place, 'mine')).sort()).toEqual(['known-answer.safetensors', 'manifest.json']);
    expect(manifestOf('mine')).toMatchObject({
      licence: 'CC0',
      locations: { 'sam.safetensors': SAM, 'backbone.safetensors': RESNET },
      sam: { resize: 'aligned', config: { embed_dim: 32, depth: 3 } },
      known_answer: 'known-answer.safetensors',
    });
    expect(readdirSync(place)).toEqual(['mine']); // nothing half done beside it
  });

  it('takes a SAM alone as its own backbone, padded as it was trained', async () => {
    await models('add', 'alone', '--sam', SAM);
    expect(manifestOf('alone')).toMatchObject({
      licence: 'not stated',
      sam: { resize: 'longest-side' },
      backbone: { kind: 'sam', mid_blocks: [0, 1] },
    });
    await models('add', 'alone', '--sam', SAM, '--resize', 'stretch', '--force');
    expect(manifestOf('alone')).toMatchObject({ sam: { resize: 'stretch' } });
    const engine = await createEngine({ model: 'alone' });
    expect(engine.info).toMatchObject({ methods: ['persam', 'nearest'] });
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

  it('keeps nothing that does not run, and replaces nothing unasked', async () => {
    await models('add', 'one', '--sam', SAM);
    const before = readFileSync(join(place, 'one', 'manifest.json'), 'utf8');
    await expectRejection('OPTION_INVALID', models('add', 'one', '--sam', SAM), 'called one already', '--force');
    await expectRejection('CHECKPOINT_MISMATCH', models('add', 'one', '--sam', RESNET, '--force'), RESNET);
    await expectRejection('CHECKPOINT_MISMATCH', models('add', 'two', '--sam', SAM, '--backbone', SAM), 'expected a backbone');
    await expectRejection('MODEL_INVALID', models('add', 'two', '--sam', SAM, '--resize', 'aligned'), 'aligned');
    await expectRejection('MODEL_INVALID', models('add', 'two', '--sam', SAM, '--backbone', VGG, '--prompt-encoder', join(WEIGHTS, 'prompt_encoder_dino.safetensors')), 'mid_channels'); // prettier-ignore
    await expectRejection('MODEL_NOT_FOUND', models('add', 'two', '--sam', join(root, 'nowhere.pth')), 'nowhere.pth');
    expect(readdirSync(place)).toEqual(['one']);
    expect(readFileSync(join(place, 'one', 'manifest.json'), 'utf8')).toBe(before);
  });

  it('stores one of several that come at once under one name', async () => {
    const results = await Promise.allSettled(Array.from({ length: 4 }, () => models('add', 'same', '--sam', SAM)));
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    for (const result of results) if (result.status === 'rejected') expect(String(result.reason)).toContain('called same already');
    expect(readdirSync(place)).toEqual(['same']);
    expect((await models('verify', 'same')).code).toBe(0);
  });

  it.each(['../up', '..', '.hidden', 'a/b', 'a\\b', '', 'a b', 'con', 'NUL.txt', 'dot.', 'x'.repeat(101), 'tiny', 'TINY', 'ä'])(
    'refuses the name %j',
    async (name) => {
      await expectRejection('OPTION_INVALID', models('add', name, '--sam', SAM));
      await expectRejection('OPTION_INVALID', models('remove', name));
      expect(existsSync(place)).toBe(false);
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

describe('prosam models list and info', () => {
  it('shows what is here, and makes no store', async () => {
    await models('add', 'mine', '--sam', SAM, '--backbone', DINO, '--licence', 'CC0');
    const { out } = await models('list');
    expect(out).toMatch(/tiny +built-in +SAM ViT .*ProSAM, 50 prompts.* 0\.87 M +Apache-2\.0 +prosam, persam, nearest/);
    expect(out).toMatch(/mine +added +SAM ViT .*DINOv2 .* CC0 +persam, nearest/);
    expect(out).not.toContain('versions');
    expect(existsSync(join(root, 'prosam'))).toBe(false);
    const listed = await json<{ models: { name: string; bytes: number; parameters: number }[]; versions: unknown[]; projects: unknown[] }>(
      'list',
    );
    expect(listed).toMatchObject({ versions: [], projects: [], models: [{ name: 'tiny' }, { name: 'mine', kind: 'added' }] });
    expect(listed.models[1]?.parameters).toBe(161_372);
    await expectRejection('FILE_NOT_FOUND', models('list', '--database', join(root, 'none.db')), '--database');
  });

  it('shows learned versions where there is a store', async () => {
    const [database, objects] = [join(root, 'store', 'prosam.db'), join(root, 'store', 'blobs')];
    await (await openStorage({ database, objects })).close();
    expect((await models('list', '--database', database, '--objects', objects)).out).toContain('no versions yet');
  });

  it('lists a model that is damaged or whose weights are gone with what is wrong', async () => {
    const moved = join(root, 'moved.safetensors');
    copyFileSync(SAM, moved);
    await models('add', 'lost', '--sam', moved);
    await models('add', 'broken', '--sam', SAM);
    rmSync(moved);
    writeFileSync(join(place, 'broken', 'manifest.json'), '{');
    const { out } = await models('list');
    expect(out).toMatch(/lost +added +MODEL_NOT_FOUND: .*moved\.safetensors/);
    expect(out).toMatch(/broken +added +MODEL_INVALID: /);
    await expectRejection('MODEL_NOT_FOUND', createEngine({ model: 'lost' }), 'moved.safetensors');
    for (const name of ['lost', 'broken']) expect((await models('remove', name)).code).toBe(0);
  });

  it('describes one in full', async () => {
    const encoder = join(WEIGHTS, 'prompt_encoder_dino.safetensors');
    await models('add', 'mine', '--sam', SAM, '--backbone', DINO, '--prompt-encoder', encoder);
    const { out } = await models('info', 'mine');
    for (const part of [
      /^mine$/m,
      /methods +prosam, persam, nearest/,
      /trained +against sam\.safetensors and backbone\.safetensors/,
      /prompt encoder .* F32/,
      /memory +about \d+ MB/,
      SAM,
    ])
      expect(out).toMatch(part);
    const facts = await json<{ parts: { parameters: number }[]; memoryBytes: number; trainedAgainst: object }>('info', 'mine');
    expect(facts.parts.map(({ parameters }) => parameters)).toEqual([117_644, 43_728, 23_040]);
    expect(facts.trainedAgainst).toMatchObject({ sam: expect.stringMatching(/^[0-9a-f]{64}$/) as string });
    const missing = await models('info', 'nothing').catch((error: unknown) => String(error));
    expect(missing).toMatch(/nothing called "nothing"\. Models here: tiny, mine\. prosam models pull/);
    expect((await models('info', join(place, 'mine'))).out).toContain('mine'); // a path does as well
  });
});

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
    rmSync(join(place, 'mine', 'known-answer.safetensors'));
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
    writeFileSync(join(place, 'mine', 'manifest.json'), JSON.stringify(manifest));
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

  it('refuses a known answer that is none', async () => {
    await models('add', 'mine', '--sam', SAM);
    const answer = join(place, 'mine', 'known-answer.safetensors');
    const replaced = (tensors: Parameters<typeof safetensorsBytes>[0]): Promise<Said> => {
      const bytes = safetensorsBytes(tensors);
      writeFileSync(answer, bytes);
      const manifest = manifestOf('mine') as { files: Record<string, string> };
      manifest.files['known-answer.safetensors'] = createHash('sha256').update(bytes).digest('hex');
      writeFileSync(join(place, 'mine', 'manifest.json'), JSON.stringify(manifest));
      return models('verify', 'mine');
    };
    const pixels = { dtype: 'U8' as const, shape: [3, 8, 8], bytes: new Uint8Array(192) };
    const mask = { dtype: 'U8' as const, shape: [8, 8], bytes: new Uint8Array(64).fill(1) };
    await expectRejection('MODEL_INVALID', replaced({}), 'no marked picture');
    await expectRejection(
      'MODEL_INVALID',
      replaced({ 'in.reference': { ...pixels, shape: [8, 8, 3] }, 'in.reference_mask': mask }),
      'no marked picture',
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
    expect(readdirSync(place)).toEqual([]);
  });

  it('proves the files alone of a model without a known answer', async () => {
    cpSync(resolve(start, 'models/tiny'), join(root, 'bare'), { recursive: true });
    const manifest = JSON.parse(readFileSync(join(root, 'bare/manifest.json'), 'utf8')) as Record<string, unknown>;
    writeFileSync(join(root, 'bare/manifest.json'), JSON.stringify({ ...manifest, known_answer: undefined }));
    const { code, err } = await models('verify', join(root, 'bare'));
    expect([code, err]).toEqual([0, expect.stringContaining('no known answer')]);
  });
});

describe('prosam models remove', () => {
  it('takes the name and leaves the weights, also behind a link', async () => {
    await models('add', 'mine', '--sam', SAM);
    expect((await models('remove', 'mine')).out).toContain(SAM);
    expect([existsSync(join(place, 'mine')), existsSync(SAM)]).toEqual([false, true]);
    await expectRejection('MODEL_NOT_FOUND', models('remove', 'mine'), 'no model called mine');
    mkdirSync(join(root, 'elsewhere'), { recursive: true });
    writeFileSync(join(root, 'elsewhere', 'manifest.json'), '{}');
    symlinkSync(join(root, 'elsewhere'), join(place, 'linked'));
    await models('remove', 'linked');
    expect([existsSync(join(place, 'linked')), existsSync(join(root, 'elsewhere', 'manifest.json'))]).toEqual([false, true]);
  });

  it('takes nothing that is no model, nor does add --force', async () => {
    mkdirSync(join(place, 'photos'), { recursive: true });
    writeFileSync(join(place, 'photos', 'photo.jpg'), 'original');
    await expectRejection('OUTPUT_TAKEN', models('remove', 'photos'), 'photo.jpg');
    await expectRejection('OUTPUT_TAKEN', models('add', 'photos', '--sam', SAM, '--force'), 'photo.jpg');
    expect(readdirSync(place)).toEqual(['photos']);
    expect(readFileSync(join(place, 'photos', 'photo.jpg'), 'utf8')).toBe('original');
  });

  it('of a folder that went in between is told', async () => {
    await models('add', 'mine', '--sam', SAM);
    renameSync(join(place, 'mine'), join(place, 'gone'));
    await expectRejection('MODEL_NOT_FOUND', models('verify', 'mine'), 'Models here: tiny, gone');
  });
});

it('works as a command of its own, with every other command finding the model by its name', async () => {
  await models('add', 'mine', '--sam', SAM);
  const listed = await runCli(['models', 'list'], root);
  expect([listed.code, listed.stdout]).toEqual([0, expect.stringContaining('mine')]);
  const config = await runCli(
    ['segment', '--model', 'none', '--reference', 'x.png', '--box', '1,1,9,9', '--target', 'y.png', '--out', 'o'],
    root,
  );
  expect([config.code, config.stderr]).toEqual([2, expect.stringMatching(/MODEL_NOT_FOUND: .*"none".*Models here: tiny, mine/)]);
  const serve = await runCli(['serve', '--print-config', '--model', 'mine'], root); // PROSAM_MODELS is no setting of the service
  expect([serve.code, serve.stdout]).toEqual([0, expect.stringContaining('mine')]);
}, 60_000);
