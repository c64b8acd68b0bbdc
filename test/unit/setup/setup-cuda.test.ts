/** CUDA set up from small wheels that stand in for the real ones. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { CUDA_WHEELS } from '../../../src/setup/cuda-wheels.ts';
import { downloadCommand, setupCuda, type SetupCudaOptions } from '../../../src/setup/setup-cuda.ts';
import type { Wheel } from '../../../src/setup/wheel-files.ts';
import { expectRejection } from '../core/expect-error.ts';
import { sharedLibrary } from '../../support/shared-library.ts';
import { dyingWithUs } from '../../support/dies-with-us.ts';
import { hasPython } from '../../support/has-python.ts';

const PROVIDER = 'onnxruntime_gpu-1.30.0-cp312-cp312-manylinux_2_28_x86_64.whl';
const RUNTIME = 'nvidia_cuda_runtime-13.0-py3-none-any.whl';
const LATER = ['libnvrtc.so.13', 'libnvJitLink.so.13', 'libcufft.so.12', 'libcudnn.so.9'];
const python = hasPython();
const folders: string[] = [];
afterEach(() => folders.splice(0).forEach((folder) => rmSync(folder, { recursive: true, force: true })));

/** Python starts slowly; the same wheel is made once. */
const made = new Map<string, Buffer>();

function wheelFile(path: string, files: Record<string, Uint8Array>): void {
  const key = JSON.stringify(files);
  const known = made.get(key);
  if (known) {
    writeFileSync(path, known);
    return;
  }
  const parts = mkdtempSync(join(tmpdir(), 'prosam-wheel-'));
  folders.push(parts);
  for (const [name, bytes] of Object.entries(files)) {
    mkdirSync(dirname(join(parts, name)), { recursive: true });
    writeFileSync(join(parts, name), bytes);
  }
  execFileSync(...dyingWithUs('python3', ['-m', 'zipfile', '-c', path, ...readdirSync(parts).map((name) => join(parts, name))]));
  made.set(key, readFileSync(path));
}

interface Machine {
  root: string;
  wheelsFolder: string;
  options: SetupCudaOptions & { folder: string };
  names(): string[];
}

/** A package, a folder with two wheels, and a place for the result. */
function machine(
  needed: readonly string[] = ['libcudart.so.13', 'libcuda.so.1'],
  runtime: readonly string[] = ['libcudart.so.13', ...LATER],
): Machine {
  const root = mkdtempSync(join(tmpdir(), 'prosam-cuda-'));
  folders.push(root);
  const [packageRoot, wheelsFolder] = [join(root, 'package'), join(root, 'wheels')];
  const libraries = join(packageRoot, 'bin/napi-v6', process.platform, process.arch);
  mkdirSync(libraries, { recursive: true });
  writeFileSync(join(libraries, 'libonnxruntime.so.1'), 'core');
  mkdirSync(wheelsFolder);
  wheelFile(join(wheelsFolder, PROVIDER), {
    'onnxruntime/capi/libonnxruntime_providers_cuda.so': sharedLibrary(needed),
    'onnxruntime/capi/libonnxruntime_providers_shared.so': sharedLibrary([]),
    'onnxruntime/capi/onnxruntime_pybind11_state.so': Buffer.from('not expected'),
  });
  wheelFile(join(wheelsFolder, RUNTIME), Object.fromEntries(runtime.map((name) => [`nvidia/cu13/lib/${name}`, Buffer.from(name)])));
  const wheel = (requirement: string, name: string): Wheel => {
    const sum = createHash('sha256')
      .update(readFileSync(join(wheelsFolder, name)))
      .digest('hex');
    return { requirement, megabytes: 1, sha256: [sum] };
  };
  const wheels = [wheel('onnxruntime-gpu==1.30.0', PROVIDER), wheel('nvidia-cuda-runtime==13.0', RUNTIME)];
  const folder = join(root, 'data', 'cuda');
  return {
    root,
    wheelsFolder,
    options: { folder, packageRoot, wheels, from: [wheelsFolder] },
    names: () => (existsSync(folder) ? readdirSync(folder).sort() : []),
  };
}

const WHOLE = [
  'libcudart.so.13',
  ...LATER,
  'libonnxruntime.so.1',
  'libonnxruntime_providers_cuda.so',
  'libonnxruntime_providers_shared.so',
  'prosam-setup.json',
].sort();

describe('the wheels of CUDA', () => {
  it('are pinned one by one, and can be fetched elsewhere', () => {
    const sums = CUDA_WHEELS.flatMap(({ sha256 }) => sha256);
    expect(sums.filter((sum) => !/^[0-9a-f]{64}$/.test(sum))).toEqual([]);
    expect(new Set(sums).size).toBe(sums.length);
    for (const { requirement } of CUDA_WHEELS) expect(downloadCommand()).toContain(` ${requirement}`);
  });

  it('belong to the ONNX Runtime that is installed', () => {
    const { dependencies } = JSON.parse(readFileSync('package.json', 'utf8')) as { dependencies: Record<string, string> };
    expect(CUDA_WHEELS[0]?.requirement).toBe(`onnxruntime-gpu==${dependencies['onnxruntime-node']}`);
  });
});

const here = process.platform === 'linux' && process.arch === 'x64';
describe.skipIf(!here || !python)('setting CUDA up (on Linux x64 with python3)', () => {
  it('brings all libraries into one folder, once', async () => {
    const at = machine();
    const progress: string[] = [];
    const first = await setupCuda({ ...at.options, onProgress: (what) => progress.push(what) });
    expect(first).toMatchObject({ onnxruntime: '1.30.0', folder: at.options.folder, changed: true });
    expect(at.names()).toEqual(WHOLE);
    expect(progress).toEqual(['unpacking onnxruntime-gpu==1.30.0', 'unpacking nvidia-cuda-runtime==13.0']);
    expect(readdirSync(join(at.root, 'data'))).toEqual(['cuda']);
    expect(await setupCuda({ ...at.options, from: ['/nowhere'] })).toEqual({ ...first, changed: false });
  });

  it('is set up again for another build of ONNX Runtime', async () => {
    const at = machine();
    await setupCuda(at.options);
    writeFileSync(join(at.options.packageRoot ?? '', 'bin/napi-v6', process.platform, process.arch, 'libonnxruntime.so.1'), 'other core');
    expect(await setupCuda(at.options)).toMatchObject({ changed: true });
    expect(readFileSync(join(at.options.folder, 'libonnxruntime.so.1'), 'utf8')).toBe('other core');
    expect(at.names()).toEqual(WHOLE);
  });

  it('takes wheels one by one, and ignores others in a folder', async () => {
    const at = machine();
    writeFileSync(join(at.wheelsFolder, 'numpy-2.0-py3-none-any.whl'), 'numpy');
    await setupCuda({ ...at.options, from: [join(at.wheelsFolder, PROVIDER), at.wheelsFolder] });
    expect(at.names()).toEqual(WHOLE);
  });

  it('names the wheels that are missing, with the command that fetches them', async () => {
    const at = machine();
    await expectRejection(
      'SETUP_FAILED',
      setupCuda({ ...at.options, from: [join(at.wheelsFolder, PROVIDER)] }),
      'nvidia-cuda-runtime==13.0',
      'pip download',
    );
    expect(at.names()).toEqual([]);
  });

  it('refuses a damaged wheel', async () => {
    const at = machine();
    writeFileSync(join(at.wheelsFolder, RUNTIME), 'cut short');
    await expectRejection('SETUP_FAILED', setupCuda(at.options), RUNTIME, 'none of theirs');
    expect(existsSync(join(at.root, 'data'))).toBe(false);
  });

  it('refuses wheels without what the provider asks for', async () => {
    const at = machine(['libcudart.so.13', 'libcublas.so.13']);
    await expectRejection('SETUP_FAILED', setupCuda(at.options), 'libcublas.so.13 came out of none');
    expect(readdirSync(join(at.root, 'data'))).toEqual([]);
  });

  it('leaves what was there when it is interrupted, and nothing half-done', async () => {
    const at = machine();
    await setupCuda(at.options);
    rmSync(join(at.options.folder, 'prosam-setup.json'));
    const before = at.names();
    const abort = new AbortController();
    const stopped = setupCuda({ ...at.options, signal: abort.signal, onProgress: () => abort.abort() });
    await expect(stopped).rejects.toMatchObject({ name: 'AbortError' });
    expect(at.names()).toEqual(before);
    expect(readdirSync(join(at.root, 'data'))).toEqual(['cuda']);
  });

  it('clears away what a killed one left', async () => {
    const at = machine();
    const [dead, alive] = [`.cuda-${2 ** 22 + 1}-x`, `.cuda-${process.ppid}-x`];
    for (const name of [dead, alive]) mkdirSync(join(at.root, 'data', name), { recursive: true });
    await setupCuda(at.options);
    expect(readdirSync(join(at.root, 'data')).sort()).toEqual([alive, 'cuda']);
  });

  it('fetches with the pip it is given, and holds what comes to its sha256', async () => {
    const at = machine();
    const pip = join(at.root, 'python');
    const program = `#!/bin/sh
case "$*" in
  *download*onnxruntime-gpu*) d=$(echo "$*" | sed 's/.*--dest \\([^ ]*\\).*/\\1/'); mkdir -p "$d"; cp '${join(at.wheelsFolder, PROVIDER)}' "$d" ;;
  *download*) d=$(echo "$*" | sed 's/.*--dest \\([^ ]*\\).*/\\1/'); mkdir -p "$d"; cp "$WHEEL" "$d" ;;
  *) exec python3 "$@" ;;
esac
`;
    writeFileSync(pip, program.replaceAll('$WHEEL', join(at.wheelsFolder, RUNTIME)));
    chmodSync(pip, 0o755);
    const { from, ...fetching } = at.options;
    expect(from).toBeDefined();
    expect(await setupCuda({ ...fetching, python: pip })).toMatchObject({ changed: true });
    expect(at.names()).toEqual(WHOLE);

    rmSync(at.options.folder, { recursive: true });
    writeFileSync(pip, program.replaceAll('$WHEEL', join(at.wheelsFolder, PROVIDER)));
    await expectRejection('SETUP_FAILED', setupCuda({ ...fetching, python: pip }), 'expected sha256');
    writeFileSync(pip, '#!/bin/sh\n[ "$3" = --version ] || { echo no network >&2; exit 1; }\n');
    await expectRejection('SETUP_FAILED', setupCuda({ ...fetching, python: pip }), 'pip failed', 'no network', 'PIP_INDEX_URL');
    expect(at.names()).toEqual([]);
  });
});
