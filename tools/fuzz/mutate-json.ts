/** Damage done to JSON values that stays JSON: wrong types, edges of numbers, missing and foreign keys, long and odd text. */
import { uniformInt, type Random } from '../../src/core/common/random.ts';

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

const NUMBERS = [0, -0, 1, -1, 0.5, 1e-9, 255, 256, 65_535, 2 ** 31 - 1, 2 ** 31, 2 ** 32, 2 ** 53, -(2 ** 53), 1e21, 1e308, -1e308];
const TEXTS = [
  ...[
    '',
    ' ',
    '\0',
    '\n',
    '\ud800',
    '\udfff\ud800',
    '\u202e',
    '😀',
    'e\u0301',
    'null',
    '__proto__',
    'constructor',
    '../../etc/passwd',
    '%00',
  ],
  ...[
    'x'.repeat(10_000),
    '9'.repeat(400),
    'data:image/png;base64,',
    'http://127.0.0.1:1/',
    'file:///etc/passwd',
    "'; drop table images; --",
  ],
];
/** Text from here on is a file in base64. */
const FILE_TEXT = 80;
const VALUES: readonly Json[] = [null, true, false, [], {}, [[]], [{}], ...NUMBERS, ...TEXTS];

/** A copy with one to four changes; half of them small, so that most of the value stays right. */
export function mutatedJson(value: Json, random: Random): Json {
  const copy = structuredClone(value);
  const count = random() < 0.5 ? 1 : uniformInt(random, 2, 4);
  let root = copy;
  for (let i = 0; i < count; i++) root = changed(root, random, 0);
  return root;
}

/** Goes down at random, and changes something there. */
function changed(value: Json, random: Random, depth: number): Json {
  const inside = Array.isArray(value) ? value.length : typeof value === 'object' && value !== null ? Object.keys(value).length : 0;
  // What holds much is seldom replaced as a whole: little would be left to read.
  if (inside === 0 || random() < 0.03 + 0.03 * depth) return replaced(value, random);
  if (Array.isArray(value)) return inArray(value, random, depth);
  return inObject(value as Record<string, Json>, random, depth);
}

function inArray(list: Json[], random: Random, depth: number): Json {
  const at = uniformInt(random, 0, list.length - 1);
  const kind = random();
  if (kind < 0.1) list.splice(at, 1);
  else if (kind < 0.2) list.splice(at, 0, structuredClone(list[uniformInt(random, 0, list.length - 1)] as Json));
  else if (kind < 0.22) return Array.from({ length: uniformInt(random, 1, 300) }, () => structuredClone(list[at] as Json));
  else list[at] = changed(list[at] as Json, random, depth + 1);
  return list;
}

function inObject(fields: Record<string, Json>, random: Random, depth: number): Json {
  const keys = Object.keys(fields);
  const drawn = (): string => keys[uniformInt(random, 0, keys.length - 1)] as string;
  const isFile = (name: string): boolean => typeof fields[name] === 'string' && fields[name].length >= FILE_TEXT;
  const once = drawn();
  // Files are seldom changed here: nothing beyond them would be read.
  const key = isFile(once) ? drawn() : once;
  const kind = random();
  if (kind < 0.08) return Object.fromEntries(Object.entries(fields).filter(([name]) => name !== key));
  if (kind < 0.14) fields[TEXTS[uniformInt(random, 0, TEXTS.length - 1)] as string] = structuredClone(fields[key] as Json);
  else fields[key] = changed(fields[key] as Json, random, depth + 1);
  return fields;
}

function replaced(value: Json, random: Random): Json {
  if (random() < 0.25) return structuredClone(VALUES[uniformInt(random, 0, VALUES.length - 1)] as Json);
  if (typeof value === 'number') return nearNumber(value, random);
  if (typeof value === 'string') return nearText(value, random);
  return structuredClone(VALUES[uniformInt(random, 0, VALUES.length - 1)] as Json);
}

function nearNumber(value: number, random: Random): number {
  const kind = random();
  if (kind < 0.5) return value + uniformInt(random, -3, 3);
  if (kind < 0.7) return value * (random() * 4 - 1);
  return NUMBERS[uniformInt(random, 0, NUMBERS.length - 1)] as number;
}

function nearText(text: string, random: Random): string {
  const at = uniformInt(random, 0, text.length);
  const kind = random();
  if (kind < 0.3) return `${text.slice(0, at)}${text.slice(at + uniformInt(random, 1, 3))}`;
  if (kind < 0.6) return `${text.slice(0, at)}${String.fromCharCode(uniformInt(random, 1, 0x17f))}${text.slice(at)}`;
  if (kind < 0.8) return `${text.slice(0, at)}${TEXTS[uniformInt(random, 0, 13)] as string}${text.slice(at)}`;
  return text + text;
}
