/** Makes tfjs-node run on a current TensorFlow: the library from its wheel, the addon compiled against it, the result tested. */
import { isProsamError, messageOf, ProsamError } from '../../core/common/errors.ts';
import { ENGINE_PACKAGES, installCommand, installedPackages, searchPlaces, TFJS_VERSION, versionOf } from '../tfjs/engine-packages.ts';
import { installAddon, isInstalled, removeAddon } from './addon.ts';
import { defaultCacheDir, ensureLibrary } from './library.ts';
import { thisPlatform } from '../../setup/platform.ts';
import { checkCompiler, checkPlatform } from './requirements.ts';
import { selfTest, type SelfTest } from './self-test.ts';
import type { Variant } from './wheels.ts';

export interface SetupOptions {
  /** For NVIDIA GPUs: @tensorflow/tfjs-node-gpu, TensorFlow with CUDA and NVIDIA's own libraries. Default: false. */
  gpu?: boolean;
  /** Folder of the npm package. Default: the installed one. */
  packageRoot?: string;
  /** Folder of the library. Default: $XDG_CACHE_HOME/prosam or ~/.cache/prosam. */
  cacheDir?: string;
  /** Wheel files that are here already, for machines without a network. */
  wheels?: readonly string[];
  /** Files from whose folders npm packages are looked up. Default: the working directory, then this library. */
  places?: readonly string[];
  /** Called with what is done now, in words. */
  onProgress?: (what: string) => void;
  signal?: AbortSignal;
}

export interface TrainingSetup extends SelfTest {
  package: string;
  version: string;
  packageRoot: string;
  /** False where everything was there already. */
  changed: boolean;
}

/**
 * Repeating it is safe, and quick where nothing is missing.
 *
 * @throws SETUP_FAILED without a compiler, Python, pip, network or a supported platform; for a wrong checksum; for a library
 *   that does not compute. The package is then as it was before, or without an addon.
 */
export async function setupTraining(options: SetupOptions = {}): Promise<TrainingSetup> {
  try {
    return await setUp(options);
  } catch (cause) {
    if (options.signal?.aborted) throw options.signal.reason;
    if (isProsamError(cause)) throw cause;
    throw new ProsamError(
      'SETUP_FAILED',
      `the training engine could not be set up: ${messageOf(cause)}. Check the permissions and the free space (2 GB, with CUDA 10 GB).`,
      { cause },
    );
  }
}

async function setUp(options: SetupOptions): Promise<TrainingSetup> {
  const { gpu = false, signal, onProgress = () => undefined, places = searchPlaces() } = options;
  signal?.throwIfAborted();
  checkPlatform(thisPlatform());
  const name = ENGINE_PACKAGES[gpu ? 'node-gpu' : 'node'];
  const packageRoot = options.packageRoot ?? rootOf(name, places);
  const found = { package: name, version: versionOf(packageRoot), packageRoot };
  if (found.version !== TFJS_VERSION)
    throw new ProsamError(
      'SETUP_FAILED',
      `expected ${name} ${TFJS_VERSION}, got ${found.version} in ${packageRoot}. Run: ${installCommand(name)}`,
    );

  const variant: Variant = gpu ? 'cuda' : 'cpu';
  const before = await testInstalled(packageRoot, variant, signal);
  if (before) return { ...found, ...before, changed: false };

  const headers = rootOf('node-api-headers', [...places, `${packageRoot}/package.json`], installCommand(name));
  await checkCompiler(signal);
  const { cacheDir = defaultCacheDir(), wheels = [] } = options;
  const library = await ensureLibrary({ variant, cacheDir, wheels, onProgress, signal });
  onProgress(`compiling the addon of ${name} ${found.version}`);
  await installAddon({ packageRoot, library, headers, variant }, signal);
  onProgress('testing');
  const result = await selfTest(packageRoot, signal).catch(async (error: unknown) => {
    await removeAddon(packageRoot); // it could end a whole training process, not just fail to load
    throw error;
  });
  return { ...found, ...result, changed: true };
}

function rootOf(name: string, places: readonly string[], command = installCommand(name)): string {
  const [first] = installedPackages(name, places);
  if (first === undefined)
    throw new ProsamError('SETUP_FAILED', `expected the npm package ${name}, but it is not installed. Run: ${command}`);
  return first.root;
}

/** A package that claims to be set up but does not compute is set up again. */
async function testInstalled(packageRoot: string, variant: Variant, signal?: AbortSignal): Promise<SelfTest | undefined> {
  if (!(await isInstalled(packageRoot, variant))) return undefined;
  return selfTest(packageRoot, signal).catch((error: unknown) => {
    if (!isProsamError(error)) throw error;
    return undefined;
  });
}
