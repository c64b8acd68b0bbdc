/**
 * Messages as bytes for a pipe between two processes: structured clone for their shape, and beside it the bytes of every
 * array as they lie in memory. Nothing large is copied to be sent, and what arrives is put together piece by piece, so that
 * neither side is held up by an image of a hundred megapixels.
 */
import { DefaultDeserializer, DefaultSerializer } from 'node:v8';

const VIEWS = [
  Uint8Array,
  Float32Array,
  Uint8ClampedArray,
  Int8Array,
  Uint16Array,
  Int16Array,
  Uint32Array,
  Int32Array,
  Float64Array,
  BigInt64Array,
  BigUint64Array,
  DataView,
] as const;
const NAMES: readonly string[] = VIEWS.map(({ name }) => name);

class ShapeWriter extends DefaultSerializer {
  readonly arrays: Uint8Array[] = [];

  /** Called by V8 for what lies outside its heap. */
  _writeHostObject(value: unknown): void {
    const kind = ArrayBuffer.isView(value) ? NAMES.indexOf(Object.prototype.toString.call(value).slice('[object '.length, -1)) : -1;
    if (kind < 0) throw new TypeError(`${Object.prototype.toString.call(value)} cannot be sent to another process.`);
    const { buffer, byteOffset, byteLength } = value as ArrayBufferView;
    this.writeUint32(kind);
    this.arrays.push(new Uint8Array(buffer, byteOffset, byteLength));
  }
}

class ShapeReader extends DefaultDeserializer {
  readonly #arrays: readonly Uint8Array[];
  #next = 0;

  constructor(shape: Uint8Array, arrays: readonly Uint8Array[]) {
    super(shape);
    this.#arrays = arrays;
  }

  _readHostObject(): ArrayBufferView {
    const View = VIEWS[this.readUint32()] as Uint8ArrayConstructor;
    return new View((this.#arrays[this.#next++] as Uint8Array).buffer as ArrayBuffer);
  }
}

/**
 * One message, to be written part by part: a table of lengths, the shape, the arrays. The arrays are the message's own memory: it
 * must not change before it is written.
 *
 * @throws TypeError, DataCloneError where something cannot be sent, such as a function
 */
export function frameOf(message: unknown): Uint8Array[] {
  const writer = new ShapeWriter();
  writer.writeHeader();
  writer.writeValue(message);
  const shape = writer.releaseBuffer();
  const { arrays } = writer;
  const table = Uint32Array.of(arrays.length, shape.byteLength, ...arrays.map(({ byteLength }) => byteLength));
  return [new Uint8Array(table.buffer), shape, ...arrays.filter(({ byteLength }) => byteLength > 0)];
}

/** Takes the bytes of frames as they come, cut anywhere, and hands on each message once it is complete. */
export function createFrameReader(onMessage: (message: unknown) => void): (chunk: Uint8Array) => void {
  const parts = partsOfFrames(onMessage);
  let part = new Uint8Array(parts.next().value);
  let filled = 0;
  return (chunk) => {
    let at = 0;
    while (at < chunk.byteLength || filled === part.byteLength) {
      const taken = Math.min(part.byteLength - filled, chunk.byteLength - at);
      part.set(chunk.subarray(at, at + taken), filled);
      at += taken;
      filled += taken;
      if (filled < part.byteLength) return;
      part = new Uint8Array(parts.next(part).value);
      filled = 0;
    }
  };
}

/** Asks for the bytes of one part after another, by their number. */
function* partsOfFrames(onMessage: (message: unknown) => void): Generator<number, never, Uint8Array> {
  for (;;) {
    const [count, shapeLength] = numbers(yield 8) as unknown as [number, number];
    const lengths = numbers(yield 4 * count);
    const shape = yield shapeLength;
    const arrays: Uint8Array[] = [];
    for (const length of lengths) arrays.push(yield length);
    const reader = new ShapeReader(shape, arrays);
    reader.readHeader();
    onMessage(reader.readValue());
  }
}

function numbers({ buffer }: Uint8Array): Uint32Array {
  return new Uint32Array(buffer);
}
