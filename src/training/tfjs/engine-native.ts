/** TensorFlow's own library behind @tensorflow/tfjs-node and @tensorflow/tfjs-node-gpu, whose JavaScript is the same. */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import util from 'node:util';
import { messageOf } from '../../core/common/errors.ts';
import { addonOf, QUIET_LOADER, type InstalledPackage, type TrainingEngine } from './engine-packages.ts';

/** Facts the addon reports about the library it found. */
interface NativeBackend {
  isUsingGpuDevice: boolean;
  binding: { TF_Version: string };
}

/** @throws Error with the reason, without a full stop */
export async function loadNative(copy: InstalledPackage, gpuWanted: boolean): Promise<TrainingEngine> {
  const addon = addonOf(copy.root);
  if (addon === undefined) throw new Error('installed, but without its native library: run prosam setup training');
  const require = createRequire(join(copy.root, 'package.json'));
  const tf = coreOf(require);
  // Two of these libraries in one process would share their symbols, and only the first would register.
  if ((tf.findBackendFactory('tensorflow') as unknown) != null && require.cache[require.resolve(copy.root)] === undefined)
    throw new Error('this process already runs another copy of TensorFlow; use a new process');
  const beside = join(dirname(addon), QUIET_LOADER);
  const guarded = existsSync(beside);
  // Who sets a level wants to read.
  const loader = guarded && process.env['TF_CPP_MIN_LOG_LEVEL'] === undefined ? beside : undefined;
  setUpLibrary(guarded);
  restoreNodeHelpers();
  try {
    loadQuietly(require, addon, loader); // alone first: a broken library must not leave half a backend registered
    require(copy.root);
  } catch (error) {
    throw new Error(`its native library does not load: ${messageOf(error)}; run prosam setup training`, { cause: error });
  }
  if (!(await tf.setBackend('tensorflow'))) throw new Error('its backend does not start');
  const { isUsingGpuDevice: gpu, binding } = tf.backend() as unknown as NativeBackend;
  if (gpuWanted && !gpu) throw new Error('it loads, but TensorFlow finds no usable GPU here; nvidia-smi shows whether the driver runs');
  const device = gpu ? 'GPU' : copy.name.endsWith('-gpu') ? 'CPU, because no usable GPU was found' : 'CPU';
  return {
    tf,
    name: gpu ? 'node-gpu' : 'node',
    about: `${copy.name.replace('@tensorflow/', '')} ${copy.version} on libtensorflow ${binding.TF_Version}, ${device}`,
  };
}

/** The package reaches tfjs-core through @tensorflow/tfjs; another copy would have other tensors. */
function coreOf(require: NodeJS.Require): TrainingEngine['tf'] {
  return createRequire(require.resolve('@tensorflow/tfjs/package.json'))('@tensorflow/tfjs-core') as TrainingEngine['tf'];
}

/**
 * Read by the library when it starts; what the user has set stays. Errors only, GPU memory taken as it is needed, and oneDNN's
 * operations, which take a quarter less time and memory. An addon that `prosam setup` has not guarded must do without: see
 * `SIGNAL_GUARD` for what a signal would do to it.
 */
function setUpLibrary(guarded: boolean): void {
  process.env['TF_ENABLE_ONEDNN_OPTS'] ??= guarded ? '1' : '0';
  if (!guarded) process.env['TENSORFLOW_USE_CUSTOM_CONTRACTION_KERNEL'] ??= '0';
  process.env['TF_CPP_MIN_LOG_LEVEL'] ??= '2';
  process.env['TF_FORCE_GPU_ALLOW_GROWTH'] ??= 'true';
}

interface QuietLoader {
  hold(): void;
  release(): void;
}

/** Nothing on stderr while the library loads; its errors come as exceptions. */
function loadQuietly(require: NodeJS.Require, addon: string, loader: string | undefined): void {
  const quiet = loader === undefined ? undefined : (require(loader) as QuietLoader);
  quiet?.hold();
  try {
    require(addon);
  } finally {
    quiet?.release();
  }
}

/** tfjs-node 4.22 calls two helpers that Node 23 removed and that older versions warn of. */
function restoreNodeHelpers(): void {
  Object.assign(util, { isNullOrUndefined: (value: unknown) => value == null, isArray: Array.isArray });
}
