/** From the nested dictionaries of a PyTorch checkpoint to names and places of tensors. */
import { damagedCheckpoint } from './pickle-errors.ts';
import { isKind } from './pickle-values.ts';
import { BYTES_PER_ELEMENT, type TensorEntry } from './safetensors.ts';
import type { TorchTensor, TorchValue } from './torch-values.ts';

/** Under these names training scripts keep the weights, beside epochs, settings and the optimiser's state. */
const WRAPPERS = ['state_dict', 'model_state_dict', 'model'];

const MAX_DEPTH = 16;
const MAX_TENSORS = 100_000;
const MAX_VISITS = 1_000_000;
const MAX_NAME_LENGTH = 1000;
/** Tensors may share values (tied weights), but not so many that a small file asks for all memory. */
const MAX_SHARING = 4;

/**
 * places: first byte of every storage by key. Nested names are joined by dots; what is no tensor is left out.
 * @throws CHECKPOINT_INVALID
 */
export function indexOfTensors(
  root: TorchValue,
  places: ReadonlyMap<string, number>,
  fileSize: number,
  label: string,
): Map<string, TensorEntry> {
  const out = new Map<string, TensorEntry>();
  let visits = 0;
  let total = 0;
  const visit = (value: TorchValue, name: string, depth: number): void => {
    if (++visits > MAX_VISITS || depth > MAX_DEPTH) throw damagedCheckpoint(label, 'its dictionaries are nested without end');
    if (name.length > MAX_NAME_LENGTH) throw damagedCheckpoint(label, `a name is longer than ${MAX_NAME_LENGTH} letters`);
    const under = (key: unknown): string => (name === '' ? String(key) : `${name}.${String(key)}`);
    if (isKind(value, 'dict')) for (const [key, inner] of value.entries) visit(inner, under(key), depth + 1);
    else if (isKind(value, 'list') || isKind(value, 'tuple'))
      value.items.forEach((inner, i) => {
        visit(inner, under(i), depth + 1);
      });
    else if (isKind(value, 'made') && value.value.kind === 'tensor') {
      if (name === '') throw damagedCheckpoint(label, 'it holds a tensor without a name');
      if (out.has(name)) throw damagedCheckpoint(label, `the name ${JSON.stringify(name)} appears twice`);
      const entry = entryOf(value.value, name, places, label);
      if (out.size >= MAX_TENSORS || (total += entry.byteLength) > MAX_SHARING * fileSize)
        throw damagedCheckpoint(label, `it has more tensors than a file of ${fileSize} bytes can hold`);
      out.set(name, entry);
    }
  };
  visit(unwrapped(root), '', 0);
  if (out.size === 0) throw damagedCheckpoint(label, 'it holds no tensors');
  return out;
}

function unwrapped(root: TorchValue): TorchValue {
  let value = root;
  for (let depth = 0; depth < MAX_DEPTH && isKind(value, 'dict'); depth++) {
    const { entries } = value;
    const inner = WRAPPERS.map((key) => entries.get(key)).find((one) => one !== undefined && isKind(one, 'dict'));
    if (inner === undefined) return value;
    value = inner;
  }
  return value;
}

function entryOf(tensor: TorchTensor, name: string, places: ReadonlyMap<string, number>, label: string): TensorEntry {
  const { storage, first, shape } = tensor;
  const place = places.get(storage.key);
  if (place === undefined) throw damagedCheckpoint(label, `the values of ${JSON.stringify(name)} are missing`);
  const count = shape.reduce((product, size) => product * size, 1);
  if (first + count > storage.count)
    throw damagedCheckpoint(label, `${JSON.stringify(name)} [${shape.join(', ')}] is larger than its storage of ${storage.count} values`);
  if (!isContiguous(tensor))
    throw damagedCheckpoint(label, `${JSON.stringify(name)} is a view whose values do not lie in order; save tensor.contiguous() instead`);
  const bytes = BYTES_PER_ELEMENT[storage.dtype];
  return { dtype: storage.dtype, shape, offset: place + first * bytes, byteLength: count * bytes };
}

/** The last axis runs fastest and nothing is skipped or repeated. Steps along axes of one or no value never matter. */
function isContiguous({ shape, strides }: TorchTensor): boolean {
  if (shape.includes(0)) return true;
  let wanted = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    if (shape[axis] !== 1 && strides[axis] !== wanted) return false;
    wanted *= shape[axis] as number;
  }
  return true;
}
