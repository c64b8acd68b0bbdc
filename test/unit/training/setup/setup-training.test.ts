import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { setupTraining, type SetupOptions } from '../../../../src/training/setup/setup-training.ts';
import { expectRejection } from '../../core/expect-error.ts';
import { COMPILES, HAS_PIP, NOT_INSTALLED, standIns, type StandInOptions, type StandIns } from './stand-ins.ts';

let here: StandIns | undefined;
afterEach(() => {
  here?.close();
  here = undefined;
});

function machine(options?: StandInOptions): StandIns {
  here = standIns(options);
  return here;
}
const setUp = ({ place, cacheDir }: StandIns, options: SetupOptions = {}) => setupTraining({ places: [place], cacheDir, ...options });
const refused = (at: StandIns, ...parts: (string | RegExp)[]) => expectRejection('SETUP_FAILED', setUp(at), ...parts);
/** Nothing half-done may be left. */
const leftovers = ({ cacheDir, packageRoot }: StandIns) =>
  [cacheDir, packageRoot].flatMap((folder) => (existsSync(folder) ? readdirSync(folder).filter((name) => name.startsWith('.')) : []));

// The platform is asked first, so everywhere else these would all end alike.
describe.skipIf(process.platform !== 'linux' || process.arch !== 'x64')('setting up (on Linux x64)', () => {
  it('compiles once, then only tests', async () => {
    const at = machine();
    at.fillCache();
    const progress: string[] = [];
    const first = await setUp(at, { onProgress: (what) => progress.push(what) });
    expect(first).toEqual({
      package: '@tensorflow/tfjs-node',
      version: '4.22.0',
      packageRoot: at.packageRoot,
      libtensorflow: '2.21.0',
      device: 'cpu',
      changed: true,
    });
    expect(progress).toEqual([expect.stringMatching(/^compiling/), 'testing']);
    const compiled = at.calls().filter((line) => line.startsWith('g++'));
    expect(compiled).toHaveLength(3); // --version, the addon, and what keeps it quiet
    expect(compiled[1]).toMatch(/-std=c\+\+17 .*-DNAPI_VERSION=8 .*node-api-headers\/include .*\$ORIGIN\/\.\.\/\.\.\/deps\/lib/);
    expect(compiled[1]).toMatch(/-DTFE_Execute=prosam_TFE_Execute .*signal-guard\.cc/);
    const second = await setUp(at);
    expect(second).toEqual({ ...first, changed: false });
    expect(at.calls().filter((line) => line.startsWith('g++'))).toEqual(compiled);
    expect(leftovers(at)).toEqual([]);
  });

  it('needs the cache no longer afterwards, and no compiler or Python once it is done', async () => {
    const at = machine();
    at.fillCache();
    await setUp(at);
    rmSync(at.cacheDir, { recursive: true });
    rmSync(join(at.folder, 'bin'), { recursive: true });
    expect(await setUp(at)).toMatchObject({ changed: false });
  });

  it('repairs what was removed or never finished', async () => {
    const at = machine();
    at.fillCache();
    await setUp(at);
    rmSync(join(at.packageRoot, 'lib'), { recursive: true });
    expect(await setUp(at)).toMatchObject({ changed: true });
    rmSync(join(at.packageRoot, 'deps/prosam-setup.json')); // as a run leaves it that was ended half-way
    expect(await setUp(at)).toMatchObject({ changed: true });
    writeFileSync(join(at.packageRoot, 'deps/prosam-setup.json'), '{"libtensorflow":"2.15.1","variant":"cpu"}\n');
    expect(await setUp(at)).toMatchObject({ changed: true });
  });

  it('can be run by several at once', async () => {
    const at = machine();
    at.fillCache();
    mkdirSync(join(at.packageRoot, 'deps/lib'), { recursive: true }); // an older library is replaced
    writeFileSync(join(at.packageRoot, 'deps/lib/libtensorflow.so.2.9'), 'old');
    const runs = await Promise.allSettled(Array.from({ length: 4 }, () => setUp(at)));
    expect(runs.filter(({ status }) => status === 'fulfilled').length).toBeGreaterThan(0);
    await setUp(at);
    expect(await setUp(at)).toMatchObject({ changed: false });
    expect(readdirSync(join(at.packageRoot, 'deps/lib')).sort()).toEqual(['libtensorflow_cc.so.2', 'libtensorflow_framework.so.2']);
    expect(leftovers(at)).toEqual([]);
  });

  it('puts CUDA’s libraries where TensorFlow looks for them', async () => {
    const at = machine();
    at.fillCache('cuda');
    await setUp(at, { gpu: true, packageRoot: at.packageRoot });
    expect(readFileSync(join(at.packageRoot, 'deps/lib/../nvidia/cudnn/lib/libcudnn.so.9'), 'utf8')).toBe('cudnn');
    // The same package is not set up for the CPU's library by that.
    at.fillCache('cpu');
    expect(await setUp(at)).toMatchObject({ changed: true });
    expect(existsSync(join(at.packageRoot, 'deps/nvidia'))).toBe(false);
  });

  it('says which npm command brings a missing package', async () => {
    const at = machine();
    await expectRejection(
      'SETUP_FAILED',
      setUp(at, { gpu: true }),
      'tfjs-node-gpu, but it is not installed',
      /npm install --ignore-scripts .*tfjs-node-gpu@4\.22\.0/,
    );
    here?.close();
    await refused(machine({ headers: false }), 'node-api-headers, but it is not installed', /npm install .*node-api-headers/);
  });

  it('refuses another version of the package', async () => {
    await refused(machine({ version: '4.21.0' }), '@tensorflow/tfjs-node 4.22.0, got 4.21.0', 'npm install');
  });

  it('wants a compiler before it fetches anything', async () => {
    const at = machine({ compiler: NOT_INSTALLED });
    await refused(at, 'g++, but it is not installed', 'apt-get install g++');
    expect(at.calls()).toEqual([]);
  });

  it('wants Python, and Python with pip', async () => {
    await refused(machine({ python3: NOT_INSTALLED }), 'python3, but it is not installed', 'apt-get install python3');
    here?.close();
    await refused(machine({ python3: 'echo "No module named pip" >&2; exit 1' }), 'No module named pip', 'python3-pip');
  });

  it('tells what pip said where there is no network', async () => {
    const at = machine({ python3: `case "$*" in *download*) echo 'Temporary failure in name resolution' >&2; exit 1;; esac` });
    await refused(at, 'tensorflow-cpu==2.21.0', 'Temporary failure in name resolution', 'PIP_INDEX_URL', '--wheel');
    expect(at.calls().at(-1)).toMatch(
      /pip download .*--no-deps --only-binary=:all: .*--python-version 3\.12 --abi cp312 --platform manylinux_2_27_x86_64/,
    );
    expect(leftovers(at)).toEqual([]);
  });

  it('refuses a download whose checksum is not the published one', async () => {
    const fetches = `case "$*" in *download*) while [ "$1" != --dest ]; do shift; done; mkdir -p "$2"; echo tampered > "$2/tensorflow_cpu.whl";; esac`;
    const at = machine({ python3: fetches });
    await refused(at, /tensorflow_cpu\.whl: expected sha256 dcc8afd3\w+, got [0-9a-f]{64}/);
    expect(readdirSync(at.cacheDir)).toEqual([]);
    expect(existsSync(join(at.packageRoot, 'lib'))).toBe(false);
  });

  it('refuses a given wheel that is another file, or none', async () => {
    const at = machine();
    const file = join(at.folder, 'other.whl');
    writeFileSync(file, 'other');
    await expectRejection('SETUP_FAILED', setUp(at, { wheels: [file] }), 'other.whl', 'sha256', 'tensorflow-cpu==2.21.0');
    await expectRejection('SETUP_FAILED', setUp(at, { wheels: [`${file}.gone`] }), 'other.whl.gone cannot be read');
    expect(readdirSync(at.cacheDir)).toEqual([]);
  });

  it('tells what the compiler said and leaves the package as it was', async () => {
    const at = machine({ compiler: `case "$*" in *--version*) exit 0;; esac; echo 'fatal error: node_api.h' >&2; exit 1` });
    at.fillCache();
    mkdirSync(join(at.packageRoot, 'lib/napi-v8'), { recursive: true });
    writeFileSync(join(at.packageRoot, 'lib/napi-v8/tfjs_binding.node'), 'before');
    await refused(at, 'could not compile', 'fatal error: node_api.h', 'C++17');
    expect(readFileSync(join(at.packageRoot, 'lib/napi-v8/tfjs_binding.node'), 'utf8')).toBe('before');
    expect(leftovers(at)).toEqual([]);
  });

  it('leaves no addon that computes wrongly or does not load', async () => {
    const wrong = machine({ gradient: [158, 274, 266, 483] });
    wrong.fillCache();
    await refused(wrong, 'self-test expected', '158, 274, 266, 483', 'Do not train');
    expect(existsSync(join(wrong.packageRoot, 'lib'))).toBe(false);
    here?.close();
    const broken = machine({ compiler: 'exit 0' }); // compiles nothing
    broken.fillCache();
    await refused(broken, 'the self-test failed', 'no such file');
  });

  it('stops when asked to, and leaves nothing behind', async () => {
    const at = machine({ python3: `case "$*" in *download*) sleep 30;; esac; ${HAS_PIP}`, compiler: COMPILES });
    const stop = new AbortController();
    const reason = new DOMException('enough', 'AbortError');
    const running = setUp(at, { signal: stop.signal, onProgress: () => setTimeout(() => stop.abort(reason), 100) });
    await expect(running).rejects.toBe(reason);
    expect(leftovers(at)).toEqual([]);
    await expect(setUp(at, { signal: stop.signal })).rejects.toBe(reason);
  });

  it('says where it may not write', async () => {
    const at = machine();
    writeFileSync(at.cacheDir, 'a file where the cache should be');
    await refused(at, 'could not be set up', 'permissions');
  });
});
