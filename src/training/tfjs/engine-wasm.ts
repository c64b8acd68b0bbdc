/** TensorFlow.js on WebAssembly: SIMD, one thread, anywhere. Good for small models; what it lacks has no fallback. */
import { createRequire } from 'node:module';
import { join, sep } from 'node:path';
import type { InstalledPackage, TrainingEngine } from './engine-packages.ts';
import { fastProducts } from './wasm-products.ts';

interface WasmPackage {
  setWasmPaths(prefix: string): void;
}

/** @throws Error with the reason, without a full stop */
export async function loadWasm(copy: InstalledPackage): Promise<TrainingEngine> {
  const require = createRequire(join(copy.root, 'package.json'));
  const tf = require('@tensorflow/tfjs-core') as TrainingEngine['tf'];
  loadGradients(require, tf);
  const backend = require(copy.root) as WasmPackage;
  // Only before the first start: the package refuses to be told again.
  if ((tf.findBackend('wasm') as unknown) == null) backend.setWasmPaths(join(copy.root, 'dist') + sep); // files, so no network
  tf.env().set('WASM_HAS_MULTITHREAD_SUPPORT', false); // its threads do not start in Node
  if (!(await tf.setBackend('wasm'))) throw new Error('its WebAssembly does not start');
  fastProducts(tf);
  const simd = await tf.env().getAsync('WASM_HAS_SIMD_SUPPORT');
  return { tf, name: 'wasm', about: `tfjs-backend-wasm ${copy.version}, ${simd ? 'SIMD, ' : ''}one thread` };
}

/** tfjs-core's build for Node leaves the gradients out; the union package brings them. */
function loadGradients(require: NodeJS.Require, tf: TrainingEngine['tf']): void {
  let union: string;
  try {
    union = require.resolve('@tensorflow/tfjs');
  } catch (cause) {
    throw new Error('@tensorflow/tfjs, which holds the gradients, is not installed', { cause });
  }
  if (createRequire(union)('@tensorflow/tfjs-core') !== tf)
    throw new Error('@tensorflow/tfjs uses another copy of tfjs-core; install one version');
  require(union);
}
