/**
 * A pickle machine that can build values and nothing else.
 *
 * It knows None, booleans, numbers, text, lists, tuples and dictionaries. Whatever a pickle wants to import or call goes
 * through a host, which allows what it knows by name; there is no other way out of the machine.
 */
import { damagedCheckpoint, refusedPickle } from './pickle-errors.ts';
import { isKind, type PickleHost, type PickleValue } from './pickle-values.ts';

const MAX_STEPS = 1_000_000;
const MAX_STACK = 20_000;
const MAX_MEMO = 500_000;
const MAX_GLOBAL_BYTES = 200;

const MARK = Symbol('mark');
const STOP = 0x2e;

/**
 * Runs one pickle (protocols 2 to 5) from byte `start`; `end` is the byte after it.
 * @throws CHECKPOINT_PICKLE for whatever weights do not need, CHECKPOINT_INVALID for damage
 */
export function unpickle<T>(bytes: Uint8Array, start: number, host: PickleHost<T>, label: string): { value: PickleValue<T>; end: number } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const stack: (PickleValue<T> | typeof MARK)[] = [];
  const memo = new Map<number, PickleValue<T>>();
  let at = start;

  const damaged = (problem: string): Error => damagedCheckpoint(label, `its pickle ${problem} at byte ${at}`);
  const take = (length: number): number => {
    if (length > bytes.length - at) throw damaged('ends too early');
    at += length;
    return at - length;
  };
  const u8 = (): number => view.getUint8(take(1));
  const u16 = (): number => view.getUint16(take(2), true);
  const u32 = (): number => view.getUint32(take(4), true);
  const text = (length: number): string => {
    const from = take(length);
    try {
      return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes.subarray(from, at));
    } catch {
      throw damaged('holds text that is not UTF-8');
    }
  };
  const line = (): string => {
    const end = bytes.subarray(0, at + MAX_GLOBAL_BYTES).indexOf(0x0a, at);
    if (end < 0) throw damaged('names something without end');
    const out = text(end - at);
    at++;
    return out;
  };
  const push = (value: PickleValue<T> | typeof MARK): void => {
    if (stack.length >= MAX_STACK) throw damaged(`keeps more than ${MAX_STACK} values waiting`);
    stack.push(value);
  };
  const pop = (): PickleValue<T> => {
    const value = stack.pop();
    if (value === undefined || value === MARK) throw damaged('takes a value that is not there');
    return value;
  };
  const top = (): PickleValue<T> => {
    const value = pop();
    stack.push(value);
    return value;
  };
  const popToMark = (): PickleValue<T>[] => {
    const mark = stack.lastIndexOf(MARK);
    if (mark < 0) throw damaged('closes a list that was never opened');
    const items = stack.splice(mark);
    return items.slice(1) as PickleValue<T>[];
  };
  const popMany = (count: number): PickleValue<T>[] => Array.from({ length: count }, pop).reverse();
  const remember = (index: number): void => {
    if (memo.size >= MAX_MEMO) throw damaged(`remembers more than ${MAX_MEMO} values`);
    memo.set(index, top());
  };
  const recall = (index: number): PickleValue<T> => {
    const value = memo.get(index);
    if (value === undefined) throw damaged(`recalls value ${index}, which it never remembered`);
    return value;
  };
  const extend = (items: readonly PickleValue<T>[]): void => {
    const list = top();
    if (!isKind(list, 'list')) throw damaged('appends to something that is not a list');
    for (const item of items) list.items.push(item);
  };
  const setItems = (items: readonly PickleValue<T>[]): void => {
    const dict = top();
    if (!isKind(dict, 'dict') || items.length % 2 !== 0) throw damaged('sets items of something that is not a dictionary');
    for (let i = 0; i < items.length; i += 2) {
      const key = items[i] as PickleValue<T>;
      if (typeof key === 'object' && key !== null) throw refusedPickle(label, `a dictionary with a ${key.kind} for a key`);
      dict.entries.set(key, items[i + 1] as PickleValue<T>);
    }
  };
  const global = (module: PickleValue<T>, name: PickleValue<T>): PickleValue<T> => {
    if (typeof module !== 'string' || typeof name !== 'string') throw damaged('refers to something without a name');
    const full = `${module}.${name}`;
    if (!host.allows(full)) throw refusedPickle(label, `a reference to ${JSON.stringify(full.slice(0, 2 * MAX_GLOBAL_BYTES))}`);
    return { kind: 'global', name: full };
  };
  const reduce = (): PickleValue<T> => {
    const args = pop();
    const callee = pop();
    if (!isKind(callee, 'global')) throw refusedPickle(label, 'a call of something that is not a known function');
    if (!isKind(args, 'tuple')) throw damaged('calls a function without arguments');
    return host.call(callee.name, args.items);
  };
  const checkProtocol = (): void => {
    const protocol = u8();
    if (protocol < 2 || protocol > 5) throw refusedPickle(label, `pickle protocol ${protocol}, while 2 to 5 are read`);
  };
  /** Attributes of an OrderedDict (PyTorch notes layer versions there) say nothing about weights. */
  const build = (): void => {
    const state = pop();
    const target = top();
    if (!isKind(target, 'dict') || !target.ordered || !isKind(state, 'dict'))
      throw refusedPickle(label, 'an object that sets its own state');
  };

  /** Instructions that leave a value. */
  const values: Readonly<Record<number, () => PickleValue<T> | typeof MARK>> = {
    0x28: () => MARK,
    0x4e: () => null,
    0x88: () => true,
    0x89: () => false,
    0x4a: () => view.getInt32(take(4), true), // BININT
    0x4b: u8, // BININT1
    0x4d: u16, // BININT2
    0x8a: () => signed(bytes.subarray(take(u8()), at)), // LONG1
    0x47: () => view.getFloat64(take(8), false), // BINFLOAT
    0x58: () => text(u32()), // BINUNICODE
    0x8c: () => text(u8()), // SHORT_BINUNICODE
    0x54: () => text(u32()), // BINSTRING, as Python 2 wrote names
    0x55: () => text(u8()), // SHORT_BINSTRING
    0x7d: () => ({ kind: 'dict', entries: new Map(), ordered: false }), // EMPTY_DICT
    0x5d: () => ({ kind: 'list', items: [] }), // EMPTY_LIST
    0x29: () => ({ kind: 'tuple', items: [] }), // EMPTY_TUPLE
    0x74: () => ({ kind: 'tuple', items: popToMark() }), // TUPLE
    0x85: () => ({ kind: 'tuple', items: popMany(1) }), // TUPLE1
    0x86: () => ({ kind: 'tuple', items: popMany(2) }), // TUPLE2
    0x87: () => ({ kind: 'tuple', items: popMany(3) }), // TUPLE3
    0x68: () => recall(u8()), // BINGET
    0x6a: () => recall(u32()), // LONG_BINGET
    0x63: () => global(line(), line()), // GLOBAL
    0x93: () => global(...(popMany(2) as [PickleValue<T>, PickleValue<T>])), // STACK_GLOBAL
    0x51: () => host.load(pop()), // BINPERSID
    0x52: reduce,
  };
  /** Instructions that change one. */
  const changes: Readonly<Record<number, () => void>> = {
    0x80: checkProtocol,
    0x95: () => take(8), // FRAME, a hint for readers of streams
    0x61: () => {
      extend(popMany(1));
    }, // APPEND
    0x65: () => {
      extend(popToMark());
    }, // APPENDS
    0x73: () => {
      setItems(popMany(2));
    }, // SETITEM
    0x75: () => {
      setItems(popToMark());
    }, // SETITEMS
    0x94: () => {
      remember(memo.size);
    }, // MEMOIZE
    0x71: () => {
      remember(u8());
    }, // BINPUT
    0x72: () => {
      remember(u32());
    }, // LONG_BINPUT
    0x62: build,
  };

  for (let step = 0; step < MAX_STEPS; step++) {
    const opcode = u8();
    if (opcode === STOP) return { value: pop(), end: at };
    const make = values[opcode];
    const change = changes[opcode];
    if (make !== undefined) push(make());
    else if (change !== undefined) change();
    else throw refusedPickle(label, `the pickle instruction 0x${opcode.toString(16).padStart(2, '0')} at byte ${at - 1}`);
  }
  throw damaged(`takes more than ${MAX_STEPS} steps`);
}

/** Little-endian two's complement. Beyond 2^53 the nearest number, which no size or offset can use. */
function signed(bytes: Uint8Array): number {
  let value = 0n;
  for (const byte of bytes.toReversed()) value = (value << 8n) | BigInt(byte);
  return Number(BigInt.asIntN(8 * bytes.length, value));
}
