/**
 * Words for names of files and folders, made of what people, data sets and servers call things. A word is safe on every file
 * system, and no two things share one, neither where upper and lower case are the same nor where letters are composed differently.
 */
import { createHash } from 'node:crypto';

export interface WordOptions {
  /** UTF-8 bytes a word may have. With words for an image and a label, a kind and an ending a name stays below 255. @default 64 */
  longest?: number;
  /** Whether dots may be part of a plain word; where words are joined by dots they may not. @default false */
  dots?: boolean;
}

export interface Named {
  /** Text people recognize. */
  text: string;
  /** Value that tells it from others with the same text. @default text */
  identity?: string;
}

const LONGEST = 64;
/** Stands between the readable part of a word and its hash, and in no plain word. */
const MARK = '~';
const HASH_DIGITS = 16;

const UNSAFE = /[^\p{L}\p{N}\p{M} _.\-()[\]{}+=,;@#&!'$^%]|\p{Default_Ignorable_Code_Point}/u;
/** A dot hides a file, a hyphen begins an option, an accent would join what stands before. */
const UNSAFE_START = /^[.\- \p{M}]/u;
/** Windows drops them. */
const UNSAFE_END = /[. ]$/;
/** Windows opens a device, whatever folder such a name stands in and whatever ending it has. */
const RESERVED = /^(con|prn|aux|nul|conin\$|conout\$|com[\d¹²³]|lpt[\d¹²³]) *(\.|$)/i;

/** Does this name mean a device on Windows? */
export function isReservedName(name: string): boolean {
  return RESERVED.test(name);
}

/** The same for any two names that some file system takes for one. */
export function foldedName(name: string): string {
  return name.normalize('NFKC').toLowerCase().toUpperCase().toLowerCase().normalize('NFKC');
}

/** The text itself, composed, where it is safe as it is; undefined: only a hashed word will do. */
export function plainWord(text: string, { longest = LONGEST, dots = false }: WordOptions = {}): string | undefined {
  const word = text.normalize('NFC');
  const safe = word !== '' && !UNSAFE.test(word) && !UNSAFE_START.test(word) && !UNSAFE_END.test(word) && !isReservedName(word);
  return safe && (dots || !word.includes('.')) && bytesOf(word) <= longest ? word : undefined;
}

/** Readable part of the text and a hash of its identity: never a plain word, never that of another identity. */
export function hashedWord({ text, identity = text }: Named, { longest = LONGEST, dots = false }: WordOptions = {}): string {
  // As JSON, because half a surrogate pair has no bytes of its own.
  const hash = createHash('sha256').update(JSON.stringify(identity)).digest('hex').slice(0, HASH_DIGITS);
  return `${readablePart(text, longest - HASH_DIGITS - MARK.length, dots)}${MARK}${hash}`;
}

/** Safe part of a text, for names that something else keeps apart. longest: UTF-8 bytes */
export function readablePart(text: string, longest: number, dots = false): string {
  let part = '';
  for (const letter of text.normalize('NFC')) {
    const safe = UNSAFE.test(letter) || (letter === '.' && !dots) ? '_' : letter;
    if (bytesOf(part) + bytesOf(safe) > longest) break;
    if (safe === '_' && part.endsWith('_')) continue;
    part += safe;
  }
  // A mark that lost what it belonged to is no letter.
  const trimmed = part.replace(/^[.\- \p{M}]+/u, '').replace(/[. ]+$/, '');
  return trimmed === '' || isReservedName(trimmed) ? `_${trimmed}` : trimmed;
}

/** A word for each of several things in one folder: a plain one unless it is unsafe or could be taken for another's. Order is of no account. */
export function wordsFor(things: readonly Named[], options: WordOptions = {}): string[] {
  const plain = things.map(({ text }) => plainWord(text, options));
  const identities = new Map<string, Set<string>>();
  for (const [i, word] of plain.entries()) {
    if (word === undefined) continue;
    const { text, identity = text } = things[i] as Named;
    identities.set(foldedName(word), (identities.get(foldedName(word)) ?? new Set()).add(identity));
  }
  return things.map((thing, i) => {
    const word = plain[i];
    return word !== undefined && identities.get(foldedName(word))?.size === 1 ? word : hashedWord(thing, options);
  });
}

/** The word of something that stands alone: known without looking at what else there is, so upper case and lower case differ by a hash. */
export function wordFor(text: string, options: WordOptions = {}): string {
  const word = plainWord(text, options);
  return word !== undefined && word === text && word === foldedName(word) ? word : hashedWord({ text }, options);
}

function bytesOf(text: string): number {
  return Buffer.byteLength(text);
}
