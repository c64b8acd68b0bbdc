/** Values a PyTorch checkpoint may hold: tensors over storages, in dictionaries. */
import { damagedCheckpoint, refusedPickle } from './pickle-errors.ts';
import { isKind, type PickleHost, type PickleMade, type PickleValue } from './pickle-values.ts';
import type { Dtype } from './safetensors.ts';

/** Values one after the other, kept apart from the pickle under a key. */
export interface TorchStorage {
  kind: 'storage';
  key: string;
  dtype: Dtype;
  /** Number of values. */
  count: number;
}

/** A view of a storage: all numbers count values, not bytes. */
export interface TorchTensor {
  kind: 'tensor';
  storage: TorchStorage;
  first: number;
  shape: readonly number[];
  strides: readonly number[];
}

export type TorchValue = PickleValue<TorchStorage | TorchTensor>;

const STORAGE_DTYPES: Readonly<Record<string, Dtype>> = {
  'torch.DoubleStorage': 'F64',
  'torch.FloatStorage': 'F32',
  'torch.HalfStorage': 'F16',
  'torch.BFloat16Storage': 'BF16',
  'torch.LongStorage': 'I64',
  'torch.IntStorage': 'I32',
  'torch.ByteStorage': 'U8',
  'torch.BoolStorage': 'BOOL',
};
const ORDERED_DICT = 'collections.OrderedDict';
const REBUILD_TENSOR = 'torch._utils._rebuild_tensor_v2';
const REBUILD_PARAMETER = 'torch._utils._rebuild_parameter';
const CALLABLE = [ORDERED_DICT, REBUILD_TENSOR, REBUILD_PARAMETER];

const MAX_DIMENSIONS = 16;
const MAX_KEY_LENGTH = 100;

/** The few names a checkpoint of weights refers to. onStorage: told of every storage, the first time and again. */
export function torchHost(label: string, onStorage: (storage: TorchStorage) => void): PickleHost<TorchStorage | TorchTensor> {
  return {
    allows: (name) => CALLABLE.includes(name) || Object.hasOwn(STORAGE_DTYPES, name),
    call(name, args) {
      if (name === ORDERED_DICT) return orderedDict(args, label);
      if (name === REBUILD_TENSOR) return { kind: 'made', value: rebuiltTensor(args, label) };
      if (name === REBUILD_PARAMETER) return parameterTensor(args, label);
      throw refusedPickle(label, `a call of ${name}`);
    },
    load(id) {
      const storage = storageOf(id, label);
      onStorage(storage);
      return { kind: 'made', value: storage };
    },
  };
}

/** OrderedDict(), or with pairs, as Python 2 wrote it. */
function orderedDict(args: readonly TorchValue[], label: string): TorchValue {
  const [pairs] = args;
  const entries: Extract<TorchValue, { kind: 'dict' }>['entries'] = new Map();
  if (pairs !== undefined) {
    const items = isKind(pairs, 'list') || isKind(pairs, 'tuple') ? pairs.items : [null];
    for (const pair of items) {
      const [key, value, ...rest] = isKind(pair, 'list') || isKind(pair, 'tuple') ? pair.items : [];
      if (typeof key !== 'string' || value === undefined || rest.length > 0 || args.length > 1)
        throw damagedCheckpoint(label, 'it makes a dictionary of something else than pairs');
      entries.set(key, value);
    }
  }
  return { kind: 'dict', entries, ordered: true };
}

/** ('storage', type, key, device, count), in older files with a view, which is None since PyTorch 0.4. */
function storageOf(id: TorchValue, label: string): TorchStorage {
  if (!isKind(id, 'tuple')) throw damagedCheckpoint(label, 'it refers to a storage without describing it');
  const [what, type, key, , count, view] = id.items;
  const dtype = type !== undefined && isKind(type, 'global') && Object.hasOwn(STORAGE_DTYPES, type.name) && STORAGE_DTYPES[type.name];
  if (what !== 'storage' || !dtype || typeof key !== 'string' || key.length > MAX_KEY_LENGTH || !isCount(count))
    throw damagedCheckpoint(label, 'it describes a storage in an unknown way');
  if (view !== undefined && view !== null) throw damagedCheckpoint(label, 'it holds a view of a storage, which PyTorch before 0.4 wrote');
  return { kind: 'storage', key, dtype, count };
}

/** (storage, first value, sizes, strides, requires_grad, hooks, ...) */
function rebuiltTensor(args: readonly TorchValue[], label: string): TorchTensor {
  const [made, first, sizes, steps] = args;
  const storage = made !== undefined && isKind(made, 'made') ? made.value : undefined;
  const shape = counts(sizes);
  const strides = counts(steps);
  if (storage?.kind !== 'storage' || !isCount(first) || !shape || shape.length !== strides?.length || shape.length > MAX_DIMENSIONS)
    throw damagedCheckpoint(label, 'it describes a tensor in an unknown way');
  return { kind: 'tensor', storage, first, shape, strides };
}

/** (tensor, requires_grad, hooks): a parameter is its tensor. */
function parameterTensor(args: readonly TorchValue[], label: string): PickleMade<TorchTensor> {
  const [made] = args;
  if (made === undefined || !isKind(made, 'made') || made.value.kind !== 'tensor')
    throw damagedCheckpoint(label, 'it makes a parameter of something that is no tensor');
  return { kind: 'made', value: made.value };
}

function counts(value: TorchValue | undefined): number[] | undefined {
  if (value === undefined || !isKind(value, 'tuple')) return undefined;
  return value.items.every(isCount) ? (value.items as number[]) : undefined;
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}
