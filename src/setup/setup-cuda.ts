/** Puts ONNX Runtime's CUDA provider and NVIDIA's libraries into a folder of the user, which is either whole or not there. */
import { existsSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { isProsamError, messageOf, ProsamError } from '../core/common/errors.ts';
import { wantedLibraries } from '../core/runtime/devices/cuda-libraries.ts';
import { CORE_LIBRARY, cudaFolder, onnxRuntimePackage, packageLibraries } from '../core/runtime/devices/provider-folder.ts';
import { CUDA_PARTS, CUDA_WHEELS, MIN_GLIBC_MINOR, PROVIDER_VERSION } from './cuda-wheels.ts';
import { isLinuxX64, platformInWords, thisPlatform } from './platform.ts';
import { checkPython, fetchWheel, PIP_TARGET, recogniseWheels, unpack, type Wheel } from './wheel-files.ts';

export interface SetupCudaOptions {
  /** Wheel files, or folders with wheels among other things; nothing is fetched then. @default fetched with pip */
  from?: readonly string[];
  /** Target folder of the libraries. @default `cudaFolder()` */
  folder?: string;
  /** @default 'python3' */
  python?: string;
  /** Root folder of the installed onnxruntime-node. @default found */
  packageRoot?: string;
  /** Wheels to unpack. @default `CUDA_WHEELS` */
  wheels?: readonly Wheel[];
  /** Called with what is done now, in words. */
  onProgress?: (what: string) => void;
  signal?: AbortSignal;
}

export interface CudaSetup {
  /** Version of the provider. */
  onnxruntime: string;
  folder: string;
  /** Name and version of every wheel. */
  wheels: readonly string[];
  /** False where everything was there already. */
  changed: boolean;
}

const STAMP = 'prosam-setup.json';
const PROVIDER = 'libonnxruntime_providers_cuda.so';

/**
 * Repeating it is safe, and quick where nothing is missing. What was there before stays until the new folder is whole.
 *
 * @throws SETUP_FAILED without Python, pip, network or a supported platform; for missing, foreign and damaged wheels
 */
export async function setupCuda(options: SetupCudaOptions = {}): Promise<CudaSetup> {
  try {
    return await setUp(options);
  } catch (cause) {
    if (options.signal?.aborted) throw options.signal.reason;
    if (isProsamError(cause)) throw cause;
    throw new ProsamError(
      'SETUP_FAILED',
      `CUDA could not be set up: ${messageOf(cause)}. Check the permissions and the free space (5 GB on the way, 3 GB in the end).`,
      { cause },
    );
  }
}

async function setUp(options: SetupCudaOptions): Promise<CudaSetup> {
  const { signal, onProgress = () => undefined, wheels = CUDA_WHEELS, python } = options;
  signal?.throwIfAborted();
  const platform = thisPlatform();
  if (!isLinuxX64(platform, MIN_GLIBC_MINOR))
    throw new ProsamError(
      'SETUP_FAILED',
      `expected Linux on x64 with glibc 2.${MIN_GLIBC_MINOR} or newer, for which the CUDA provider is built, got ${platformInWords(platform)}. ` +
        'On Windows use --device directml, on macOS --device coreml: those need no set-up.',
    );
  const { root, version } = installedPackage(options.packageRoot);
  const folder = options.folder ?? cudaFolder(version);
  const core = join(packageLibraries(root), CORE_LIBRARY);
  const result = { onnxruntime: version, folder, wheels: wheels.map(({ requirement }) => requirement) };
  const stamp = `${JSON.stringify({ wheels: result.wheels, core: (await stat(core)).size })}\n`;
  if ((await readFile(join(folder, STAMP), 'utf8').catch(() => '')) === stamp) return { ...result, changed: false };

  const given = options.from && (await givenWheels(options.from, wheels, signal));
  await checkPython(given === undefined, { python, signal });
  await mkdir(dirname(folder), { recursive: true });
  await removeAbandoned(dirname(folder));
  const work = await mkdtemp(join(dirname(folder), `.cuda-${process.pid}-`));
  try {
    for (const wheel of wheels) {
      const file = given?.get(wheel) ?? (await fetchWheel(wheel, join(work, 'wheel'), { python, signal, onProgress, offline: '--from' }));
      onProgress(`unpacking ${wheel.requirement}`);
      await unpack(file, join(work, 'unpacked'), CUDA_PARTS, { python, signal });
      await gather(join(work, 'unpacked'), join(work, 'lib'));
      await rm(join(work, 'wheel'), { recursive: true, force: true });
    }
    await copyFile(core, join(work, 'lib', CORE_LIBRARY));
    checkComplete(join(work, 'lib'));
    await writeFile(join(work, 'lib', STAMP), stamp);
    signal?.throwIfAborted();
    await rename(folder, join(work, 'old')).catch((error: unknown) => {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    });
    await rename(join(work, 'lib'), folder);
    return { ...result, changed: true };
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

function installedPackage(root?: string): { root: string; version: string } {
  const found = root === undefined ? onnxRuntimePackage() : { root, version: PROVIDER_VERSION };
  if (found.version === PROVIDER_VERSION) return found;
  throw new ProsamError(
    'SETUP_FAILED',
    `this prosam knows the CUDA provider of onnxruntime-node ${PROVIDER_VERSION}, but ${found.version} is installed. Run: npm install onnxruntime-node@${PROVIDER_VERSION}`,
  );
}

/** Files are held to be what they are named for; folders may hold other things too. @throws SETUP_FAILED for wheels that are missing */
async function givenWheels(paths: readonly string[], wanted: readonly Wheel[], signal?: AbortSignal): Promise<Map<Wheel, string>> {
  const found = new Map<Wheel, string>();
  for (const path of paths) {
    const entries = await readdir(path).catch(() => undefined);
    const files = entries?.filter((name) => name.endsWith('.whl') && wanted.some((wheel) => isNamedFor(name, wheel))) ?? [basename(path)];
    const folder = entries ? path : dirname(path);
    for (const [wheel, file] of await recogniseWheels(
      files.map((name) => join(folder, name)),
      wanted,
      signal,
    ))
      found.set(wheel, file);
  }
  const missing = wanted.filter((wheel) => !found.has(wheel));
  if (missing.length > 0)
    throw new ProsamError(
      'SETUP_FAILED',
      `expected the wheels of ${wanted.length} packages in ${paths.join(', ')}, but ${missing.map(({ requirement }) => requirement).join(', ')} are not there. ` +
        `On a machine with a network run:\n  ${downloadCommand(missing)}`,
    );
  return found;
}

function isNamedFor(file: string, { requirement }: Wheel): boolean {
  const [name = '', version = ''] = requirement.split('==');
  return file.toLowerCase().startsWith(`${name.replaceAll('-', '_')}-${version}-`);
}

/** Fetches the wheels on any machine with pip, for one without a network. */
export function downloadCommand(wheels: readonly Wheel[] = CUDA_WHEELS, folder = 'cuda-wheels'): string {
  const platforms = [...new Set(wheels.flatMap(({ platform }) => platform ?? []))].flatMap((platform) => ['--platform', platform]);
  const packages = wheels.map(({ requirement }) => requirement);
  return ['pip download --no-deps --only-binary=:all:', ...platforms, ...PIP_TARGET, '-d', folder, ...packages].join(' ');
}

/** All libraries in one folder: each finds its neighbours there. */
async function gather(from: string, to: string): Promise<void> {
  await mkdir(to, { recursive: true });
  for (const entry of await readdir(from, { recursive: true, withFileTypes: true }))
    if (entry.isFile() && entry.name.includes('.so')) await rename(join(entry.parentPath, entry.name), join(to, entry.name));
  await rm(from, { recursive: true, force: true });
}

function checkComplete(folder: string): void {
  const names = [PROVIDER, 'libonnxruntime_providers_shared.so'].filter((name) => !existsSync(join(folder, name)));
  const missing = names.length > 0 ? names : wantedLibraries(join(folder, PROVIDER)).filter((name) => !existsSync(join(folder, name)));
  if (missing.length > 0)
    throw new ProsamError(
      'SETUP_FAILED',
      `the wheels were unpacked, but ${missing.join(', ')} came out of none of them. Please report this.`,
    );
}

/** Removes leftovers of a killed set-up: folders named for processes that no longer run. */
async function removeAbandoned(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const [, pid] = /^\.cuda-(\d+)-/.exec(name) ?? [];
    if (pid !== undefined && !runs(Number(pid))) await rm(join(folder, name), { recursive: true, force: true });
  }
}

function runs(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
