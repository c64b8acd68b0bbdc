/** ONNX Runtime's library and the CUDA provider from a folder of the user, in processes of their own: what is loaded stays. */
import { execFileSync } from 'node:child_process';
import { copyFileSync, linkSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { CORE_LIBRARY, cudaFolder, packageLibraries, readyCudaFolder } from '../../../../../src/core/runtime/devices/provider-folder.ts';
import { sharedLibrary } from '../../../../support/shared-library.ts';
import { dyingWithUs } from '../../../../support/dies-with-us.ts';

const folder = mkdtempSync(join(tmpdir(), 'prosam-provider-'));
afterAll(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

/** What a program prints that finds the folder in its environment. */
function run(source: string, env: Record<string, string> = {}): string {
  const program = source.replaceAll('SRC', resolve('src'));
  return execFileSync(...dyingWithUs(process.execPath, ['--input-type=module', '-e', program]), {
    encoding: 'utf8',
    env: { ...process.env, PROSAM_CUDA_DIR: folder, ...env },
  });
}

const LOADED = `
  import { readFileSync } from 'node:fs';
  import { onnxRuntime } from 'SRC/core/runtime/node/load-onnx-runtime.ts';
  await onnxRuntime();
  const files = readFileSync('/proc/self/maps', 'utf8').split('\\n').map((line) => line.split(/ +/)[5] ?? '');
  console.log([...new Set(files.filter((file) => file.endsWith('${CORE_LIBRARY}')))].join());
`;
const CHOICE = `
  import { chooseDevice } from 'SRC/core/runtime/devices/choose-device.ts';
  await chooseDevice('cuda').then(console.log, (error) => console.log(error.code, error.message));
`;

describe('the folder of CUDA', () => {
  it('is the user’s own, one for each version', () => {
    vi.stubEnv('PROSAM_CUDA_DIR', '');
    vi.stubEnv('XDG_DATA_HOME', '/somewhere');
    expect(cudaFolder('1.2.3')).toBe('/somewhere/prosam/cuda-1.2.3');
    vi.stubEnv('XDG_DATA_HOME', '');
    vi.stubEnv('HOME', '/home/someone');
    expect(cudaFolder('1.2.3')).toBe('/home/someone/.local/share/prosam/cuda-1.2.3');
    vi.stubEnv('PROSAM_CUDA_DIR', '/chosen');
    expect(cudaFolder('1.2.3')).toBe('/chosen');
  });
});

describe.skipIf(process.platform !== 'linux')('ONNX Runtime’s library (on Linux)', () => {
  const own = join(packageLibraries(), CORE_LIBRARY);
  const copy = join(folder, CORE_LIBRARY);

  it('is the package’s where CUDA was not set up, or for another build', () => {
    vi.stubEnv('PROSAM_CUDA_DIR', folder);
    expect(readyCudaFolder()).toBeUndefined();
    expect(run(LOADED).trim()).toMatch(/onnxruntime-node/);
    writeFileSync(copy, 'another build');
    expect(readyCudaFolder()).toBeUndefined();
    expect(run(LOADED).trim()).toMatch(/onnxruntime-node/);
    rmSync(copy);
  });

  it('is the folder’s where it was, so that providers are found there', () => {
    try {
      linkSync(own, copy);
    } catch {
      copyFileSync(own, copy); // on another file system
    }
    expect(run(LOADED).trim()).toBe(copy);
  });

  it('finds the provider there, and says what is missing under it', () => {
    writeFileSync(join(folder, 'libonnxruntime_providers_cuda.so'), sharedLibrary(['libcudart.so.99', 'libcuda.so.1']));
    // The driver comes first; where there is one, CUDA's libraries are what is missing.
    expect(run(CHOICE)).toMatch(
      /^DEVICE_UNAVAILABLE expected the device cuda, but (NVIDIA's driver is missing \(libcuda\.so\.1|libraries of CUDA 99 are missing)/,
    );
  });

  it('names a library that does not load', () => {
    // A driver that is there, as far as the loader can tell.
    writeFileSync(join(folder, 'libcuda.so.1'), '');
    copyFileSync(own, join(folder, 'libcuda.so.1'));
    expect(run(CHOICE)).toMatch(/libraries of CUDA 99 are missing \(libcudart\.so\.99 cannot be loaded\): run `prosam setup cuda`/);
    rmSync(join(folder, 'libcuda.so.1'));
  });
});
