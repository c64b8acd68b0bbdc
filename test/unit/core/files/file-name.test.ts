/** Words for names of files: safe everywhere, and never one for two things. */
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import {
  foldedName,
  hashedWord,
  isReservedName,
  plainWord,
  readablePart,
  wordFor,
  wordsFor,
} from '../../../../src/core/files/file-name.ts';
import { temporaryBeside } from '../../../../src/core/files/write-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'prosam-names-'));
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** What people, data sets and attackers call things. */
const HOSTILE = [
  ...['cat', 'Cat', 'CAT', 'left hand', 'left/hand', 'left\\hand', 'left_hand', 'left-hand', 'left:hand', 'left  hand', ' left hand'],
  ...[
    '',
    '.',
    '..',
    '...',
    '../../..',
    '/etc/passwd',
    '.hidden',
    '-rf',
    '~',
    '~root',
    'trailing.',
    'trailing ',
    'a.b',
    'a,b',
    'a\tb',
    'a\nb',
  ],
  ...['con', 'CON', 'con.txt', 'nul', 'aux ', 'com1', 'COM¹', 'lpt9.png', 'conin$', 'PROGRA~1', 'a~0123456789abcdef', '*', '?', '"', '<>|'],
  ...[
    '😀',
    '😁',
    '👩‍🦰',
    '👩',
    '❤',
    '❤️',
    '\u200e',
    '\u200f',
    'a\u202egnp',
    'a\u200bb',
    'ab',
    '\ufeffa',
    '\u00adsoft',
    '\0',
    '\x7f',
    '\u3164',
  ],
  ...[
    '\ud83d',
    '\ude00',
    'a\ud83d',
    '"\\ud83d"',
    'é',
    'e\u0301',
    'É',
    '\u0301',
    'ß',
    'ss',
    'ẞ',
    'ſ',
    's',
    'K',
    'K',
    'k',
    'ı',
    'i',
    'İ',
    'ﬁ',
    'fi',
  ],
  ...['猫', '犬', 'кот', 'Кот', 'גמל', 'قط', '가', '\u1100\u1161', 'ά', '\u03ac', 'ς', 'σ', 'Σ', '𠮷', '𝐜𝐚𝐭', 'ｃａｔ', '①', '1', '¹'],
  ...[
    'x'.repeat(60) + 'a',
    'x'.repeat(60) + 'b',
    'x'.repeat(300),
    'é'.repeat(200),
    '😀'.repeat(90) + 'a',
    '😀'.repeat(90) + 'b',
    '猫'.repeat(99),
  ],
];
const text = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...HOSTILE) },
  { weight: 2, arbitrary: fc.string({ unit: 'binary', maxLength: 90 }) },
  { weight: 1, arbitrary: fc.string({ unit: 'grapheme', maxLength: 40 }) },
  {
    weight: 1,
    arbitrary: fc
      .array(fc.constantFrom('a', 'A', 'é', 'e\u0301', '.', ' ', '/', '\ud800', '\udc00'), { maxLength: 6 })
      .map((all) => all.join('')),
  },
);
const distinct = fc.uniqueArray(text, { minLength: 1, maxLength: 12 });

/** What a file system may hold against a name. */
function complaints(word: string): string[] {
  return [
    ...(/[<>:"/\\|?*\p{Cc}\p{Cf}\p{Cs}\p{Co}]/u.test(word) ? ['letters'] : []),
    ...(/^[.\- ]|[. ]$|^$/.test(word) ? ['start or end'] : []),
    ...(isReservedName(word) || isReservedName(`${word}.png`) ? ['a device'] : []),
    ...(word === word.normalize('NFC') ? [] : ['not composed']),
    ...(word.startsWith('~') ? ['a home folder'] : []),
  ];
}

describe('words for names of files', () => {
  it('stay as they are where that is safe', () => {
    for (const name of ['cat', 'Cat', 'left hand', 'IMG_0001', 'photo (1)', 'a+b', '猫', 'кот', 'café', 'כלב']) {
      expect(plainWord(name)).toBe(name);
      expect(wordsFor([{ text: name }, { text: 'other' }])).toEqual([name, 'other']);
    }
    expect(plainWord('IMG.2024.01', { dots: true })).toBe('IMG.2024.01');
    expect(plainWord('IMG.2024.01')).toBeUndefined();
    expect(wordFor('tiny-student_t-mask-fold0-seed321', { longest: 100 })).toBe('tiny-student_t-mask-fold0-seed321');
  });

  it('can be read where they cannot stay', () => {
    expect(hashedWord({ text: 'left/hand' })).toMatch(/^left_hand~[0-9a-f]{16}$/);
    expect(hashedWord({ text: 'con' })).toMatch(/^_con~/);
    expect(hashedWord({ text: '😀' })).toMatch(/^_~/);
    expect(readablePart('../../secret', 40)).toBe('_secret');
    expect(wordsFor([{ text: 'Cat' }, { text: 'cat' }]).map((word) => word.slice(0, 4))).toEqual(['Cat~', 'cat~']);
  });

  it('are safe, short, and never one for two things, whatever these are called', () => {
    fc.assert(
      fc.property(distinct, fc.boolean(), (texts, dots) => {
        for (const words of [
          wordsFor(
            texts.map((one) => ({ text: one })),
            { dots },
          ),
          texts.map((one) => wordFor(one, { dots })),
        ]) {
          expect(words.flatMap(complaints)).toEqual([]);
          expect(new Set(words.map(foldedName)).size).toBe(texts.length);
          for (const word of words) {
            expect(Buffer.byteLength(word)).toBeLessThanOrEqual(64);
            if (!dots) expect(word).not.toContain('.');
          }
        }
      }),
      { numRuns: 2000 },
    );
  });

  it('do not depend on order, nor, standing alone, on one another', () => {
    fc.assert(
      fc.property(distinct, (texts) => {
        const words = wordsFor(texts.map((one) => ({ text: one })));
        expect(wordsFor(texts.toReversed().map((one) => ({ text: one }))).toReversed()).toEqual(words);
      }),
    );
  });

  it('tell apart what is called the same', () => {
    const words = wordsFor([
      { text: 'a', identity: 'x/a.jpg' },
      { text: 'a', identity: 'y/a.jpg' },
      { text: 'b', identity: 'x/b.jpg' },
    ]);
    expect(words[2]).toBe('b');
    expect(new Set(words).size).toBe(3);
    expect(words[0]).toMatch(/^a~/);
  });

  it('are names this file system takes, with the longest temporary name beside them', () => {
    const words = wordsFor([...new Set(HOSTILE)].map((one) => ({ text: one })));
    for (const word of words) {
      const path = join(folder, `${'n'.repeat(140)}.${word}.overlay.png`);
      writeFileSync(temporaryBeside(path), '');
      writeFileSync(path, '');
    }
    expect(readdirSync(folder)).toHaveLength(2 * words.length);
    expect(Math.max(...readdirSync(folder).map((name) => Buffer.byteLength(name)))).toBeLessThanOrEqual(255);
  });
});
