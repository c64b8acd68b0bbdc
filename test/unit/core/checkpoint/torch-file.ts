/** PyTorch checkpoints and pickles put together by hand, sound or not. */

/** Pickle instructions. Each is bytes; `pickle` joins them. */
export const op = {
  proto: (version = 2) => Buffer.of(0x80, version),
  stop: () => Buffer.from('.'),
  mark: () => Buffer.from('('),
  none: () => Buffer.from('N'),
  int: (value: number) => {
    const out = Buffer.from('J0000');
    out.writeInt32LE(value, 1);
    return out;
  },
  long: (...bytes: number[]) => Buffer.of(0x8a, bytes.length, ...bytes),
  text: (value: string) => {
    const bytes = Buffer.from(value);
    const head = Buffer.from('X0000');
    head.writeUInt32LE(bytes.length, 1);
    return Buffer.concat([head, bytes]);
  },
  global: (module: string, name: string) => Buffer.from(`c${module}\n${name}\n`),
  persid: () => Buffer.from('Q'),
  reduce: () => Buffer.from('R'),
  build: () => Buffer.from('b'),
  dict: () => Buffer.from('}'),
  list: () => Buffer.from(']'),
  emptyTuple: () => Buffer.from(')'),
  tuple: () => Buffer.from('t'),
  setItem: () => Buffer.from('s'),
  setItems: () => Buffer.from('u'),
  append: () => Buffer.from('a'),
  put: (index: number) => Buffer.of(0x71, index),
  get: (index: number) => Buffer.of(0x68, index),
};

export function pickle(...parts: Uint8Array[]): Buffer {
  return Buffer.concat([op.proto(), ...parts, op.stop()]);
}

export function tuple(...parts: Uint8Array[]): Buffer {
  return Buffer.concat([op.mark(), ...parts, op.tuple()]);
}

export interface HandTensor {
  shape: readonly number[];
  strides?: readonly number[];
  first?: number;
  count?: number;
  key?: string;
  storage?: string;
}

/** What leaves one tensor on the stack; without strides, in order. */
export function tensor({ shape, strides, first = 0, count, key = '0', storage = 'FloatStorage' }: HandTensor): Buffer {
  const inOrder = shape.map((_, axis) => shape.slice(axis + 1).reduce((a, b) => a * b, 1));
  const ints = (values: readonly number[]): Buffer => tuple(...values.map(op.int));
  const id = tuple(
    op.text('storage'),
    op.global('torch', storage),
    op.text(key),
    op.text('cpu'),
    op.int(count ?? shape.reduce((a, b) => a * b, 1)),
  );
  const hooks = Buffer.concat([op.global('collections', 'OrderedDict'), op.emptyTuple(), op.reduce()]);
  const args = tuple(id, op.persid(), op.int(first), ints(shape), ints(strides ?? inOrder), Buffer.of(0x89), hooks);
  return Buffer.concat([op.global('torch._utils', '_rebuild_tensor_v2'), args, op.reduce()]);
}

/** { name: value, ... } */
export function dict(items: Readonly<Record<string, Uint8Array>>): Buffer {
  return Buffer.concat([op.dict(), op.mark(), ...Object.entries(items).flatMap(([name, value]) => [op.text(name), value]), op.setItems()]);
}

export interface HandEntry {
  name: string;
  bytes: Uint8Array;
  /** Compression method. */
  method?: number;
  flags?: number;
  /** Name in front of the content, where it should differ from the directory's. */
  localName?: string;
  /** Place the directory gives, where it should be a wrong one. */
  headerOffset?: number;
  /** Stored size the directory gives. */
  storedBytes?: number;
}

/** An archive; comment: bytes after the directory. */
export function zip(entries: readonly HandEntry[], { comment = '', count = entries.length } = {}): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let at = 0;
  for (const { name, bytes, method = 0, flags = 0, localName = name, headerOffset, storedBytes } of entries) {
    const local = Buffer.alloc(30);
    local.writeUInt32LE(0x04034b50, 0);
    local.writeUInt16LE(0x0808, 6);
    local.writeUInt16LE(method, 8);
    local.writeUInt16LE(Buffer.byteLength(localName), 26);
    local.writeUInt16LE(4, 28);
    const listed = Buffer.alloc(46);
    listed.writeUInt32LE(0x02014b50, 0);
    listed.writeUInt16LE(flags, 8);
    listed.writeUInt16LE(method, 10);
    listed.writeUInt32LE(storedBytes ?? bytes.length, 20);
    listed.writeUInt32LE(bytes.length, 24);
    listed.writeUInt16LE(Buffer.byteLength(name), 28);
    listed.writeUInt32LE(headerOffset ?? at, 42);
    const whole = Buffer.concat([local, Buffer.from(localName), Buffer.alloc(4), bytes]);
    parts.push(whole);
    directory.push(listed, Buffer.from(name));
    at += whole.length;
  }
  const listing = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(count, 8);
  end.writeUInt16LE(count, 10);
  end.writeUInt32LE(listing.length, 12);
  end.writeUInt32LE(at, 16);
  end.writeUInt16LE(Buffer.byteLength(comment), 20);
  return Buffer.concat([...parts, listing, end, Buffer.from(comment)]);
}

/** What torch.save writes: the pickle and its storages under one folder. */
export function torchFile(data: Uint8Array, storages: Readonly<Record<string, Uint8Array>> = {}): Buffer {
  const values = Object.entries(storages).map(([key, bytes]) => ({ name: `archive/data/${key}`, bytes }));
  return zip([{ name: 'archive/data.pkl', bytes: data }, { name: 'archive/byteorder', bytes: Buffer.from('little') }, ...values]);
}
