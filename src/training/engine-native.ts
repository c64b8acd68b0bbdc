/** TensorFlow's own library behind @tensorflow/tfjs-node and @tensorflow/tfjs-node-gpu, whose JavaScript is the same. */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import util from 'node:util';
import { messageOf } from '../core/errors.ts';
import { addonOf, type InstalledPackage, type TrainingEngine } from './engine-packages.ts';

/** What the addon tells of the library it found. */
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
  setUpLibrary();
  restoreNodeHelpers();
  try {
    require(addon); // alone first: a broken library must not leave half a backend registered
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
 * Read by the library when it starts; what the user has set stays. Errors only; GPU memory taken as it is needed; and Eigen's
 * matrix products instead of oneDNN's, whose AVX kernels point the stack into the heap: any signal that arrives then (Ctrl-C, a
 * profiler's tick) overwrites memory. The products of these networks take about as long either way.
 */
function setUpLibrary(): void {
  process.env['TENSORFLOW_USE_CUSTOM_CONTRACTION_KERNEL'] ??= '0';
  process.env['TF_CPP_MIN_LOG_LEVEL'] ??= '2';
  process.env['TF_FORCE_GPU_ALLOW_GROWTH'] ??= 'true';
}

/** tfjs-node 4.22 calls two helpers that Node 23 removed and that older versions warn of. */
function restoreNodeHelpers(): void {
  Object.assign(util, { isNullOrUndefined: (value: unknown) => value == null, isArray: Array.isArray });
}
