import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';
import { loadTrainingEngine } from '../../../../src/training/tfjs/engine.ts';
import { expectRejection } from '../../core/expect-error.ts';
import { NODE_ENGINE_LABEL, nodeEngineHere } from '../node-engine.ts';

const run = promisify(execFile);
const folder = mkdtempSync(join(tmpdir(), 'prosam-engine-'));
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** A place from which only the named packages are seen, with files of our own. */
function place(name: string, packages: Record<string, Record<string, string>>): string {
  for (const [packageName, files] of Object.entries(packages)) {
    const root = join(folder, name, 'node_modules', packageName);
    mkdirSync(root, { recursive: true });
    for (const [file, text] of Object.entries(files)) {
      mkdirSync(join(root, file, '..'), { recursive: true });
      writeFileSync(join(root, file), text);
    }
  }
  mkdirSync(join(folder, name), { recursive: true });
  return join(folder, name, 'package.json');
}

/** A tfjs-core that knows the one backend its package registers. */
const fakeCore = (gpu: boolean) => ({
  '@tensorflow/tfjs': { 'package.json': '{"version":"4.22.0"}' },
  '@tensorflow/tfjs-core': {
    'package.json': '{"version":"4.22.0"}',
    'index.js': `module.exports = { findBackendFactory: () => null, setBackend: async () => true, backend: () => ({ isUsingGpuDevice: ${gpu}, binding: { TF_Version: '2.21.0' } }) };`,
  },
});
const native = (addon?: string) => ({
  'package.json': '{"version":"4.22.0"}',
  'index.js': '',
  // Not a real addon: Node must refuse it.
  ...(addon !== undefined && { 'lib/napi-v8/tfjs_binding.node': addon }),
});

/** What the program prints on stdout and stderr, in a process of its own. */
async function fresh(program: string, env: Record<string, string> = {}): Promise<{ stdout: string; stderr: string }> {
  const source = `import { loadTrainingEngine } from ${JSON.stringify(resolve('src/training/tfjs/engine.ts'))};\n${program}`;
  return run(process.execPath, ['--input-type=module', '-e', source], { env: { ...process.env, ...env } });
}

const GRADIENT = `
  const { tf, name, about } = engine;
  const x = tf.tensor2d([1, 2, 3, 4], [2, 2]);
  const gradient = tf.grad((x) => tf.sum(tf.square(tf.matMul(x, x))))(x);
  console.error(JSON.stringify({ name, about, backend: tf.getBackend(), gradient: [...gradient.dataSync()] }));
`;
// 2 (A A A^T + A^T A A)
const EXPECTED = [158, 274, 266, 482];
const result = (stderr: string) => JSON.parse(stderr.trim().split('\n').at(-1) ?? '') as Record<string, unknown>;

describe('the wasm engine', () => {
  it('computes gradients on files alone, with nothing on stdout', async () => {
    const { stdout, stderr } = await fresh(`
      globalThis.fetch = () => { throw new Error('the network was asked') };
      const engine = await loadTrainingEngine('wasm');${GRADIENT}`);
    expect(stdout).toBe('');
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect(result(stderr)).toEqual({
      name: 'wasm',
      about: 'tfjs-backend-wasm 4.22.0, SIMD, one thread',
      backend: 'wasm',
      gradient: EXPECTED,
    });
  });

  it('can be asked for twice', async () => {
    const [first, second] = [await loadTrainingEngine('wasm'), await loadTrainingEngine('wasm')];
    expect(second.tf).toBe(first.tf);
  });

  it('says that the gradients are missing', async () => {
    const at = place('no-union', {
      '@tensorflow/tfjs-backend-wasm': { 'package.json': '{"version":"4.22.0"}', 'index.js': '' },
      '@tensorflow/tfjs-core': { 'package.json': '{"version":"4.22.0"}', 'index.js': '' },
    });
    await expectRejection(
      'TRAINING_ENGINE_MISSING',
      loadTrainingEngine('wasm', [at]),
      '@tensorflow/tfjs, which holds the gradients',
      'npm install',
    );
  });
});

describe.skipIf(!nodeEngineHere)(`the engine on ${NODE_ENGINE_LABEL}`, () => {
  it('computes gradients on a current TensorFlow, silently', async () => {
    const { stdout, stderr } = await fresh(`const engine = await loadTrainingEngine('node');${GRADIENT}`);
    expect(stdout).toBe('');
    expect(stderr.trim().split('\n')).toHaveLength(1);
    const found = result(stderr);
    expect(found).toMatchObject({ name: 'node', backend: 'tensorflow', gradient: EXPECTED });
    expect(found['about']).toMatch(/^tfjs-node 4\.22\.0 on libtensorflow 2\.\d+\.\d+, CPU$/);
  });

  it('keeps a log level the user set', async () => {
    const { stderr } = await fresh(`const engine = await loadTrainingEngine('node');${GRADIENT}`, { TF_CPP_MIN_LOG_LEVEL: '0' });
    expect(stderr).toMatch(/cpu_feature_guard/);
  });

  it('is what auto takes before wasm', async () => {
    const { stderr } = await fresh(`const engine = await loadTrainingEngine();${GRADIENT}`);
    expect(result(stderr)).toMatchObject({ backend: 'tensorflow' });
  });

  it('shares tfjs-core with wasm and with a plain import', async () => {
    const { stderr } = await fresh(`
      import * as core from '@tensorflow/tfjs-core';
      const wasm = await loadTrainingEngine('wasm');
      const engine = await loadTrainingEngine('node');
      if (wasm.tf !== engine.tf || core.Tensor !== engine.tf.Tensor) throw new Error('two copies');${GRADIENT}`);
    expect(result(stderr)).toMatchObject({ backend: 'tensorflow', gradient: EXPECTED });
  });

  it('refuses a second copy of TensorFlow in one process', async () => {
    const at = place('second', { '@tensorflow/tfjs-node': native('x') });
    for (const name of ['tfjs', 'tfjs-core']) {
      symlinkSync(resolve('node_modules/@tensorflow', name), join(folder, 'second', 'node_modules/@tensorflow', name));
    }
    const { stderr } = await fresh(`
      await loadTrainingEngine('node');
      await loadTrainingEngine('node', [${JSON.stringify(at)}]).catch((error) => console.error(error.message));`);
    expect(stderr).toMatch(/already runs another copy of TensorFlow/);
  });
});

describe('a missing engine', () => {
  it('is told engine by engine, with what to install', async () => {
    const at = place('nothing', {});
    await expectRejection(
      'TRAINING_ENGINE_MISSING',
      loadTrainingEngine('auto', [at]),
      /node-gpu: @tensorflow\/tfjs-node-gpu is not installed; node: .*; wasm: .* is not installed/,
      'npm install --ignore-scripts @tensorflow/tfjs-core@4.22.0',
      'prosam setup training',
    );
    await expectRejection('TRAINING_ENGINE_MISSING', loadTrainingEngine('node-gpu', [at]), 'tfjs-node-gpu@4.22.0', 'setup training --gpu');
  });

  it('is told from one that is not set up, and from one whose library is broken', async () => {
    const bare = place('bare', { ...fakeCore(false), '@tensorflow/tfjs-node': native() });
    await expectRejection(
      'TRAINING_ENGINE_MISSING',
      loadTrainingEngine('node', [bare]),
      'without its native library: run prosam setup training',
    );
    const broken = place('broken', { ...fakeCore(false), '@tensorflow/tfjs-node': native('no addon') });
    await expectRejection('TRAINING_ENGINE_MISSING', loadTrainingEngine('node', [broken]), 'native library does not load', 'broken');
  });

  it('lets the next place be tried', async () => {
    const broken = place('broken-wasm', { '@tensorflow/tfjs-backend-wasm': { 'package.json': '{"version":"1.0.0"}', 'index.js': '' } });
    const { about } = await loadTrainingEngine('wasm', [broken, resolve('package.json')]);
    expect(about).toMatch(/^tfjs-backend-wasm 4\.22\.0/);
  });

  it('of an unknown name is refused', async () => {
    await expectRejection('OPTION_INVALID', loadTrainingEngine('cuda' as never), 'node-gpu', '"cuda"');
  });
});

describe('a GPU engine', () => {
  const gpuPlace = (name: string, gpu: boolean): string => {
    const at = place(name, { ...fakeCore(gpu), '@tensorflow/tfjs-node-gpu': native('') });
    return at;
  };
  /** The addon is replaced by nothing, since no machine of these tests has a GPU: only the reading of its answer is tested. */
  const load = (at: string, name: string) =>
    fresh(`
      import { createRequire } from 'node:module';
      createRequire(${JSON.stringify(at)}).extensions['.node'] = () => undefined;
      const say = ({ name, about }) => console.error(JSON.stringify({ name, about }));
      await loadTrainingEngine('${name}', [${JSON.stringify(at)}]).then(say, (error) => console.error(JSON.stringify(error.message)));`);

  it('is named so only where a GPU computes', async () => {
    const [without, withOne] = [gpuPlace('no-gpu', false), gpuPlace('gpu', true)];
    expect(result((await load(withOne, 'node-gpu')).stderr)).toEqual({
      name: 'node-gpu',
      about: 'tfjs-node-gpu 4.22.0 on libtensorflow 2.21.0, GPU',
    });
    expect(result((await load(without, 'auto')).stderr)).toEqual({
      name: 'node',
      about: 'tfjs-node-gpu 4.22.0 on libtensorflow 2.21.0, CPU, because no usable GPU was found',
    });
    expect((await load(without, 'node-gpu')).stderr).toMatch(/finds no usable GPU here/);
  });
});
