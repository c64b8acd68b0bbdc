/** TensorFlow.js for training, loaded by name, so that none of its packages need be installed: what runs, and on what. */
import { messageOf, ProsamError } from '../../core/common/errors.ts';
import {
  ENGINE_PACKAGES,
  installCommand,
  installedPackages,
  searchPlaces,
  TRAINING_ENGINES,
  type TrainingEngine,
  type TrainingEngineName,
} from './engine-packages.ts';
import { loadNative } from './engine-native.ts';
import { loadWasm } from './engine-wasm.ts';

export { TRAINING_ENGINES } from './engine-packages.ts';
export type { TrainingEngine, TrainingEngineName } from './engine-packages.ts';

/**
 * `auto` takes the first engine that really loads. A GPU engine without a GPU runs on the CPU and says so under `auto`; asked
 * for by name it is refused. TensorFlow.js keeps one backend and one native library a process: load one engine and stay with it.
 *
 * @param places files from whose folders packages are looked up
 * @throws TRAINING_ENGINE_MISSING with what was tried, why it failed and what to install; OPTION_INVALID for another name
 */
export async function loadTrainingEngine(
  name: 'auto' | TrainingEngineName = 'auto',
  places: readonly string[] = searchPlaces(),
): Promise<TrainingEngine> {
  if (name !== 'auto' && !TRAINING_ENGINES.includes(name))
    throw new ProsamError('OPTION_INVALID', `engine: expected auto, ${TRAINING_ENGINES.join(', ')}, got ${JSON.stringify(name)}.`);
  const failures: string[] = [];
  for (const candidate of name === 'auto' ? TRAINING_ENGINES : [name]) {
    const copies = installedPackages(ENGINE_PACKAGES[candidate], places);
    if (copies.length === 0) failures.push(`${candidate}: ${ENGINE_PACKAGES[candidate]} is not installed`);
    for (const copy of copies) {
      try {
        return await (candidate === 'wasm' ? loadWasm(copy) : loadNative(copy, name === 'node-gpu'));
      } catch (error) {
        failures.push(`${candidate}: ${messageOf(error)} (${copy.root})`);
      }
    }
  }
  throw new ProsamError(
    'TRAINING_ENGINE_MISSING',
    `expected the training engine ${name}, but none loads. ${failures.join('; ')}. ${advice(name)}`,
  );
}

function advice(name: 'auto' | TrainingEngineName): string {
  const native = (one: 'node' | 'node-gpu'): string =>
    `${installCommand(ENGINE_PACKAGES[one])} && npx prosam setup training${one === 'node-gpu' ? ' --gpu' : ''}`;
  const wasm = installCommand(ENGINE_PACKAGES.wasm);
  if (name === 'wasm') return `Run: ${wasm}`;
  if (name !== 'auto') return `Run: ${native(name)}`;
  return `For Linux x64 run: ${native('node')}. For small models anywhere run: ${wasm}`;
}
