/**
 * Finds the tensors of a PyTorch checkpoint (`torch.save`, both its zip format and the older plain one) where they lie in
 * the file, without running anything: the same index that a safetensors file gives.
 */
import { damagedCheckpoint, refusedPickle } from './pickle-errors.ts';
import { refuseForeignArchive } from './foreign-file.ts';
import { unpickle } from './pickle.ts';
import type { ReadAt } from './read-at.ts';
import { BYTES_PER_ELEMENT, type SafetensorsIndex } from './safetensors.ts';
import { indexOfTensors } from './torch-index.ts';
import { torchHost, type TorchStorage, type TorchValue } from './torch-values.ts';
import { readZipEntries, readZipNames } from './zip-archive.ts';

/** First byte of every storage, by key. */
type Places = ReadonlyMap<string, number>;

const MAX_PICKLE_BYTES = 16 << 20;
/** First number of the older format: 0x1950a86a20f9469cfc6c in double precision. */
const LEGACY_MAGIC = Number(0x1950a86a20f9469cfc6cn);
const LEGACY_PROTOCOL = 1001;

/**
 * read: bytes of the file; size: how many it has.
 * @throws CHECKPOINT_PICKLE for anything but tensors in dictionaries; CHECKPOINT_INVALID for damage and for layouts that cannot be read in place
 */
export async function readTorchIndex(read: ReadAt, size: number, label: string): Promise<SafetensorsIndex> {
  const zipped = (await read(0, Math.min(2, size)))[0] === 0x50;
  const { value, places } = zipped ? await readZipped(read, size, label) : await readLegacy(read, size, label);
  return { tensors: indexOfTensors(value, places, size, label), metadata: {} };
}

interface Contents {
  value: TorchValue;
  places: Places;
}

/** NAME/data.pkl beside NAME/data/KEY, one entry per storage. */
async function readZipped(read: ReadAt, size: number, label: string): Promise<Contents> {
  refuseForeignArchive(await readZipNames(read, size, label), label);
  const entries = await readZipEntries(read, size, label);
  const pickles = [...entries.keys()].filter((name) => /^[^/]+\/data\.pkl$/.test(name));
  const name = pickles[0];
  const pickle = name === undefined ? undefined : entries.get(name);
  if (name === undefined || pickle === undefined || pickles.length > 1)
    throw damagedCheckpoint(label, `its archive holds ${pickles.length} pickles called data.pkl, expected 1`);
  if (pickle.byteLength > MAX_PICKLE_BYTES)
    throw damagedCheckpoint(label, `its pickle takes ${pickle.byteLength} bytes, more than the ${MAX_PICKLE_BYTES} read`);
  const folder = name.slice(0, -'data.pkl'.length);
  await checkByteOrder(read, entries.get(`${folder}byteorder`), label);

  const places = new Map<string, number>();
  const host = torchHost(label, (storage) => {
    const entry = entries.get(`${folder}data/${storage.key}`);
    if (entry === undefined) throw damagedCheckpoint(label, `its archive lacks the storage ${JSON.stringify(storage.key)}`);
    if (entry.byteLength !== storageBytes(storage))
      throw damagedCheckpoint(
        label,
        `its storage ${JSON.stringify(storage.key)} should take ${storageBytes(storage)} bytes, takes ${entry.byteLength}`,
      );
    places.set(storage.key, entry.offset);
  });
  return { value: unpickle(await read(pickle.offset, pickle.byteLength), 0, host, label).value, places };
}

/** An archive from a big-endian machine says so; older ones say nothing and are little-endian. */
async function checkByteOrder(read: ReadAt, entry: { offset: number; byteLength: number } | undefined, label: string): Promise<void> {
  if (entry === undefined) return;
  const order = new TextDecoder().decode(await read(entry.offset, Math.min(entry.byteLength, 10)));
  if (order !== 'little') throw damagedCheckpoint(label, `its numbers are ${JSON.stringify(order)}-endian, expected little-endian`);
}

/** Five pickles (magic number, format, machine, contents, storage keys), then every storage: a count and its values. */
async function readLegacy(read: ReadAt, size: number, label: string): Promise<Contents> {
  const bytes = await read(0, Math.min(size, MAX_PICKLE_BYTES));
  const storages = new Map<string, TorchStorage>();
  const host = torchHost(label, (storage) => {
    const known = storages.get(storage.key) ?? storage;
    if (storageBytes(known) !== storageBytes(storage))
      throw damagedCheckpoint(label, `its storage ${JSON.stringify(storage.key)} has two sizes`);
    storages.set(storage.key, known);
  });
  let at = 0;
  const next = (): TorchValue => {
    const { value, end } = unpickle(bytes, at, host, label);
    at = end;
    return value;
  };
  if (next() !== LEGACY_MAGIC) throw refusedPickle(label, 'a pickle that PyTorch did not write');
  const format = next();
  if (format !== LEGACY_PROTOCOL) throw damagedCheckpoint(label, `its format is not ${LEGACY_PROTOCOL}, the only one there is`);
  const machine = next();
  const order = typeof machine === 'object' && machine?.kind === 'dict' ? machine.entries.get('little_endian') : undefined;
  if (order !== true) throw damagedCheckpoint(label, 'it does not come from a little-endian machine');
  const value = next();
  const keys = next();
  if (typeof keys !== 'object' || keys?.kind !== 'list') throw damagedCheckpoint(label, 'it does not list its storages');

  const places = new Map<string, number>();
  for (const key of keys.items) {
    const storage = typeof key === 'string' && !places.has(key) ? storages.get(key) : undefined;
    if (storage === undefined) throw damagedCheckpoint(label, 'it lists a storage that no tensor uses, or one twice');
    const head = await read(at, 8);
    if (new DataView(head.buffer, head.byteOffset).getBigInt64(0, true) !== BigInt(storage.count))
      throw damagedCheckpoint(label, `its storage ${JSON.stringify(storage.key)} has another length than its tensors say`);
    places.set(storage.key, at + 8);
    at += 8 + storageBytes(storage);
    if (at > size) throw damagedCheckpoint(label, `its storage ${JSON.stringify(storage.key)} ends after the file`);
  }
  return { value, places };
}

function storageBytes({ dtype, count }: TorchStorage): number {
  return count * BYTES_PER_ELEMENT[dtype];
}
