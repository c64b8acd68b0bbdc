/** `prosam models pull` against a hub on the loopback interface that serves tiny networks under the names of published ones. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { modelsCommand } from '../../../../src/cli/models/models.ts';
import { writeSafetensors, writeShards, writeTorch, type TensorSource } from '../../../golden/checkpoint-writers.ts';
import { dinov2OfTransformers, samOfTransformers } from '../../../golden/foreign-names.ts';
import { readTensors } from '../../../golden/golden-set.ts';
import { startHub, type HubServer } from '../../core/checkpoint/hub-server.ts';
import { expectRejection } from '../../core/expect-error.ts';
import { dyingWithUs } from '../../../support/dies-with-us.ts';

const WEIGHTS = resolve('test/golden/data/weights');
const CLI = resolve('src/cli.ts');
const root = mkdtempSync(join(tmpdir(), 'prosam-pull-'));
let hub: HubServer;
let place = '';
let count = 0;

function sourcesOf(name: string): TensorSource[] {
  const tensors = readTensors(join(WEIGHTS, `${name}.safetensors`));
  return [...tensors].map(([key, { data, shape }]) => ({ name: key, shape, values: () => Float32Array.from(data) }));
}

/** The bytes of files a writer makes. */
function written(write: (folder: string) => void): Record<string, Uint8Array> {
  const folder = mkdtempSync(join(root, 'written-'));
  write(folder);
  return Object.fromEntries(readdirSync(folder).map((name) => [name, new Uint8Array(readFileSync(join(folder, name)))]));
}

beforeAll(async () => {
  const sam = sourcesOf('sam');
  const whole = written((folder) => writeSafetensors(join(folder, 'model.safetensors'), samOfTransformers(sam)));
  const readme = { 'README.md': new TextEncoder().encode('# a model') };
  hub = await startHub({
    'facebook/sam-vit-base': { files: { ...whole, ...readme }, license: 'apache-2.0' },
    'facebook/sam-vit-huge': { files: written((folder) => writeShards(folder, samOfTransformers(sam), 2)), gated: true },
    'facebook/dinov2-base': { files: written((folder) => writeSafetensors(join(folder, 'model.safetensors'), dinov2OfTransformers(sourcesOf('backbone_dinov2')))), license: 'cc-by-nc-4.0' }, // prettier-ignore
    'timm/resnet50.tv_in1k': {
      files: written((folder) => writeSafetensors(join(folder, 'model.safetensors'), sourcesOf('backbone_resnet_plain'))),
    },
    'acme/meta-sam': { files: written((folder) => writeTorch(join(folder, 'sam.pth'), sam)) },
    'acme/other': { files: written((folder) => writeSafetensors(join(folder, 'model.safetensors'), sam.slice(0, 2))) },
    'acme/poems': { files: readme },
  });
  process.chdir(root);
});
beforeEach(() => {
  Object.assign(hub, { requests: [], cuts: [], failures: [], bytesPerSecond: 0 });
  const home = join(root, `home-${count++}`);
  place = join(home, 'models');
  Object.assign(process.env, {
    PROSAM_MODELS: place,
    XDG_CACHE_HOME: join(home, 'cache'),
    HF_HOME: join(home, 'hf'),
    HF_ENDPOINT: hub.endpoint,
  });
  for (const name of ['HF_TOKEN', 'HF_HUB_OFFLINE', 'HF_HUB_CACHE', 'HUGGINGFACE_HUB_CACHE', 'HF_TOKEN_PATH', 'HUGGING_FACE_HUB_TOKEN'])
    Reflect.deleteProperty(process.env, name);
});
afterAll(async () => {
  await hub.close();
  rmSync(root, { recursive: true, force: true });
});

async function models(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const said = { out: '', err: '' };
  const print = (line: string): void => void (said.out += `${line}\n`);
  const code = await modelsCommand(args, { print, warn: (line) => void (said.err += `${line}\n`) });
  return { code, ...said };
}

const manifestOf = (name: string): Record<string, unknown> => JSON.parse(readFileSync(join(place, name, 'manifest.json'), 'utf8')) as Record<string, unknown>; // prettier-ignore

describe('prosam models pull', () => {
  it('brings in a model by its short name, ready to use', async () => {
    const { code, out, err } = await models('pull', 'sam-vit-b');
    expect([code, out]).toEqual([0, expect.stringMatching(/^sam-vit-b: SAM ViT .* methods persam, nearest/)]);
    expect(err).toMatch(/sam-vit-b: \d+ kB fetched from http:\S+ in [\d.]+ s/);
    const about = `facebook/sam-vit-base at ${hub.commit('facebook/sam-vit-base').slice(0, 12)}`;
    expect(manifestOf('sam-vit-b')).toMatchObject({ license: 'apache-2.0', about, sam: { resize: 'longest-side' } });
    expect((await models('list')).out).toMatch(/sam-vit-b +pulled +SAM/);
    expect((await models('verify', 'sam-vit-b')).code).toBe(0);
    await expectRejection('OPTION_INVALID', models('pull', 'sam-vit-b'), 'already', '--force');
    expect((await models('pull', 'sam-vit-b', '--force')).err).toContain('already in the cache');
  });

  it('puts a SAM and a backbone together, and names both licenses', async () => {
    await models('pull', 'sam-vit-b', '--backbone', 'dinov2-b', '--as', 'mine', '--accept-license');
    expect(manifestOf('mine')).toMatchObject({
      license: 'apache-2.0 and cc-by-nc-4.0',
      sam: { resize: 'aligned' },
      backbone: { config: { kind: 'dinov2' } },
    });
    await models('pull', 'acme/meta-sam', '--backbone', 'resnet50', '--accept-license');
    expect(manifestOf('meta-sam-resnet50')).toMatchObject({
      license: 'not stated and bsd-3-clause',
      backbone: { config: { kind: 'resnet' } },
    });
    const listed = await models('list');
    expect(listed.out).toMatch(/for --backbone: dinov2-b \(.*\), resnet50 \(/);
  });

  it('of a backbone alone fills the cache and says what it is for', async () => {
    const { out } = await models('pull', 'resnet50');
    expect(out).toContain('prosam models pull sam-vit-b --backbone resnet50');
    const { path } = JSON.parse((await models('pull', 'resnet50', '--json')).out) as { path: string };
    expect(readFileSync(path).byteLength).toBeGreaterThan(100_000);
    expect((await models('list', '--json')).out).not.toContain('resnet50');
  });

  it('works offline with what was pulled, and with the cache alone copied from elsewhere', async () => {
    await models('pull', 'sam-vit-b');
    await models('remove', 'sam-vit-b');
    hub.requests = [];
    const { err } = await models('pull', 'sam-vit-b', '--offline');
    expect(err).toContain('found in the cache');
    process.env['HF_HUB_OFFLINE'] = '1';
    await expectRejection('HUB_FAILED', models('pull', 'dinov2-b'), 'offline', 'nothing of its revision main');
    expect(hub.requests).toEqual([]);
  });

  it('with a token opens what is gated, and prints it nowhere', async () => {
    await expectRejection('HUB_REFUSED', models('pull', 'sam-vit-h'), `${hub.endpoint}/facebook/sam-vit-huge`, 'accept its terms');
    process.env['HF_TOKEN'] = 'secret-token';
    const { out, err } = await models('pull', 'sam-vit-h');
    expect(out).toContain('sam-vit-h');
    expect(out + err + readFileSync(join(place, 'sam-vit-h', 'manifest.json'), 'utf8')).not.toContain('secret-token');
  });

  it('refuses what it cannot use, with what there is', async () => {
    await expectRejection(
      'CHECKPOINT_MISMATCH',
      models('pull', 'acme/other', '--accept-license'),
      'acme/other is not a model that is known',
      'sam-vit-b',
    );
    await expectRejection('MODEL_NOT_FOUND', models('pull', 'acme/poems', '--accept-license'), 'README.md');
    await expectRejection('CHECKPOINT_MISMATCH', models('pull', 'timm/resnet50.tv_in1k', '--accept-license'), 'not a model that is known');
    await expectRejection('HUB_REFUSED', models('pull', 'acme/nothing'), 'no such repository');
    for (const args of [['sam-vit-x'], ['sam-vit-b', '--backbone', 'sam-vit-l'], ['resnet50', '--backbone', 'dinov2-b'], [], ['a', 'b']])
      await expect(models('pull', ...args), args.join(' ')).rejects.toThrow(/[Ee]xpected|is a/);
    await expectRejection('OPTION_INVALID', models('pull', 'sam-vit-b', '--as', '../x'), "a model's name");
    expect(hub.requests.some(({ path }) => path.includes('sam-vit-base'))).toBe(false); // names are looked at first
  });

  it('notices a file that was changed in the cache', async () => {
    await models('pull', 'sam-vit-b');
    const [file] = Object.values(manifestOf('sam-vit-b')['locations'] as Record<string, string>) as [string];
    const bytes = readFileSync(file);
    bytes[bytes.length - 1] = (bytes.at(-1) as number) ^ 1;
    writeFileSync(realpathSync(file), bytes);
    expect((await models('verify', 'sam-vit-b')).code).toBe(1);
    expect((await models('pull', 'sam-vit-b', '--force')).err).toContain('damaged: it is fetched again');
    expect((await models('verify', 'sam-vit-b')).code).toBe(0);
  });
});

/** The command as a process of its own, which can be stopped. */
function start(...args: string[]) {
  const child = spawn(...dyingWithUs(process.execPath, [CLI, 'models', ...args]), { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
  let text = '';
  child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (text += chunk.toString()));
  const ended = new Promise<{ code: number | null; signal: NodeJS.Signals | null; text: string }>((done) => {
    child.on('close', (code, signal) => done({ code, signal, text }));
  });
  return { child, ended };
}

const blobs = (): string[] => {
  try {
    return readdirSync(join(process.env['HF_HOME'] as string, 'hub/models--facebook--sam-vit-base/blobs'));
  } catch {
    return [];
  }
};

async function someCame(): Promise<number> {
  for (;;) {
    const [name] = blobs();
    const size =
      name === undefined
        ? 0
        : readFileSync(join(process.env['HF_HOME'] as string, 'hub/models--facebook--sam-vit-base/blobs', name)).byteLength;
    if (size > 50_000) return size;
    await sleep(20);
  }
}

describe('a download that is stopped', () => {
  it.each(['SIGKILL', 'SIGINT'] as const)('by %s goes on where it was', async (signal) => {
    hub.bytesPerSecond = 150_000;
    const { child, ended } = start('pull', 'sam-vit-b');
    const came = await someCame();
    child.kill(signal);
    const { code, text } = await ended;
    if (signal === 'SIGINT') expect([code, text]).toEqual([130, expect.stringContaining('interrupted')]);
    expect(blobs()).toEqual([expect.stringMatching(/\.incomplete$/)]);
    hub.bytesPerSecond = 0;
    hub.requests = [];
    expect((await models('pull', 'sam-vit-b')).code).toBe(0);
    const [range] = hub.requests.filter((one) => one.origin === 'cdn').map((one) => one.range);
    expect(Number(/^bytes=(\d+)-$/.exec(range ?? '')?.[1])).toBeGreaterThanOrEqual(came);
  });

  it('is finished once by two processes that want it', async () => {
    hub.bytesPerSecond = 400_000;
    const results = await Promise.all([start('pull', 'sam-vit-b', '--as', 'one').ended, start('pull', 'sam-vit-b', '--as', 'two').ended]);
    expect(results.map(({ code }) => code)).toEqual([0, 0]);
    expect(hub.requests.filter((one) => one.origin === 'cdn' && one.range === undefined)).toHaveLength(1);
    expect(readdirSync(place).sort()).toEqual(['one', 'two']);
  });
});

it('says which package it needs where that is not installed', async () => {
  const hook = join(root, 'without-hub.mjs');
  writeFileSync(
    hook,
    "import { registerHooks } from 'node:module';\n" +
      "registerHooks({ resolve(name, context, next) { if (name === '@huggingface/hub') throw new Error('not here'); return next(name, context); } });\n",
  );
  process.env['NODE_OPTIONS'] = `--import ${hook}`;
  const { ended } = start('pull', 'sam-vit-b');
  Reflect.deleteProperty(process.env, 'NODE_OPTIONS');
  expect(await ended).toMatchObject({ code: 2, text: expect.stringMatching(/PACKAGE_MISSING.*npm install @huggingface\/hub/) as string });
});
