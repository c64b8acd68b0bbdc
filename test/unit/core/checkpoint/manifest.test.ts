import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { normalisationOf, parseManifest, type Manifest } from '../../../../src/core/checkpoint/manifest.ts';
import { isProsamError } from '../../../../src/core/common/errors.ts';
import { expectCode } from '../expect-error.ts';

const WRITTEN = readFileSync(new URL('../../../../models/tiny/manifest.json', import.meta.url), 'utf8');
const TEXT = WRITTEN.replace('"licence"', '"license"');
const OTHER_HASH = '0123456789abcdef'.repeat(4);

type Json = Record<string, unknown>;
type Path = readonly string[];
const read = (): Json => JSON.parse(TEXT) as Json;

/** The real manifest with one place changed by `change`, which gets the object or list it stands in, and its key there. */
function changed(path: Path, change: (parent: Json, key: string) => void, root = read()): Json {
  const parent = path.slice(0, -1).reduce((at, key) => at[key] as Json, root);
  change(parent, path.at(-1) as string);
  return root;
}
const set = (path: Path, value: unknown, root?: Json): Json => changed(path, (parent, key) => (parent[key] = value), root);
const without = (path: Path): Json => changed(path, (parent, key) => Reflect.deleteProperty(parent, key));

const parse = (json: unknown): Manifest => parseManifest(JSON.stringify(json), 'folder/manifest.json');
const refuse = (json: unknown, ...parts: (string | RegExp)[]) =>
  expectCode('MODEL_INVALID', () => parse(json), 'folder/manifest.json', ...parts);
const VGG = { kind: 'vgg', widths: [1, 2, 3, 4, 5], convs: [1, 1, 1, 1, 1] };

test('a manifest of 0.1.0, which spells it licence, is read', () => {
  expect(WRITTEN).toContain('"licence"');
  expect(parseManifest(WRITTEN, 'manifest.json')).toEqual(parseManifest(TEXT, 'manifest.json'));
  expect(parseManifest(WRITTEN, 'manifest.json').license).toBe('Apache-2.0');
});

test('the manifest of the built-in model is read, its keys turned into the networks’ own', () => {
  const manifest = parseManifest(TEXT, 'manifest.json');
  expect(manifest.sam.config).toMatchObject({
    imageSize: 256,
    encoder: { kind: 'vit', patchSize: 16, globalAttnIndexes: [1, 3] },
    iouHeadHiddenDim: 64,
  });
  expect(manifest.backbone).toEqual({ kind: 'sam', midBlocks: [1, 3] });
  expect(manifest.prompt_encoder?.config).toMatchObject({ numPrompts: 50, dropout2d: 0.1, pseudoNorm: 'minmax' });
  expect(normalisationOf(manifest)).toEqual({ mean: [123.675, 116.28, 103.53], std: [58.395, 57.12, 57.375] });
});

describe('MODEL_INVALID', () => {
  test.each(['', 'no JSON', '{', '{"format": "prosam-model/1",}', '\0'])('text that is not JSON: %j', (text) => {
    expectCode('MODEL_INVALID', () => parseManifest(text, 'folder/manifest.json'), 'JSON', 'folder/manifest.json');
  });

  test.each([[null], [[]], [7], ['text'], [{}]])('JSON that is no manifest: %j', (json) => {
    refuse(json);
  });

  test('another format', () => {
    refuse(set(['format'], 'prosam-model/2'), 'format');
  });

  test.each(['../x', '/etc/passwd', 'a/b', 'a\\b', '..', '.', '', '.hidden', 'C:x', 'a\0b', 'x\n', '%2e%2e%2fx', 'ünïcode', 'a b'])(
    'a file name that could lead out of the folder: %j',
    (name) => {
      const listed = set(['files', name], OTHER_HASH);
      refuse(listed, 'files');
      refuse(set(['sam', 'file'], name, listed), 'sam.file');
      refuse(set(['prompt_encoder', 'file'], name, listed), 'prompt_encoder.file');
      refuse(set(['known_answer'], name, listed), 'known_answer');
      refuse(set(['backbone'], { file: name, config: VGG }, listed), 'backbone.file');
    },
  );

  test('__proto__ as a file name', () => {
    refuse(JSON.parse(TEXT.replace('"check.safetensors":', '"__proto__":')) as unknown, 'files');
  });

  test('a file without a hash, or with something else for one', () => {
    for (const name of ['sam.safetensors', 'prompt-encoder.safetensors', 'check.safetensors']) {
      refuse(without(['files', name]), name, 'sha256');
      for (const hash of ['', 'abc', OTHER_HASH.toUpperCase(), `${OTHER_HASH}0`, 7]) refuse(set(['files', name], hash), name);
    }
  });

  test('a deviation of zero, which would divide by it', () => {
    refuse(set(['sam', 'std', '0'], 0), 'sam.std');
    refuse(set(['sam', 'std', '2'], -1), 'sam.std');
  });

  test('parts that do not fit each other', () => {
    refuse(set(['sam', 'resize'], 'aligned'), 'aligned', 'stretch');
    refuse(set(['prompt_encoder', 'config', 'dim'], 32), 'prompt_encoder.config.dim is 32', '64');
  });

  test('what is wrong with a backbone, in the form it comes closest to', () => {
    refuse(set(['backbone', 'mid_blocks'], 'all'), 'backbone.mid_blocks');
    refuse(set(['backbone'], { file: 'vgg.safetensors', config: { ...VGG, convs: [1, 1, 1, 1, 'x'] } }), 'backbone.config.convs[4]');
    refuse(set(['backbone'], { file: 'vgg.safetensors', config: { ...VGG, kind: 'alexnet' } }), 'backbone.config.kind', 'vgg');
  });

  test('several problems are listed together', () => {
    const json = set(['sam', 'config', 'depth'], 'four', set(['prompt_encoder', 'config', 'num_heads'], -1, set(['surprise'], 1)));
    refuse(json, 'sam.config.depth', 'prompt_encoder.config.num_heads', 'surprise');
  });
});

describe('PROMPT_ENCODER_MISMATCH', () => {
  test('other SAM weights than it was trained against, with both hashes', () => {
    const trained = parse(read()).prompt_encoder?.trained_against.sam as string;
    const json = set(['files', 'sam.safetensors'], OTHER_HASH);
    expectCode('PROMPT_ENCODER_MISMATCH', () => parse(json), 'SAM', trained, OTHER_HASH, 'train a prompt encoder');
  });

  test('a backbone where there is none, none where there was one, and another one', () => {
    const hash = 'f'.repeat(64);
    const withVgg = () => set(['backbone'], { file: 'vgg.safetensors', config: VGG }, set(['files', 'vgg.safetensors'], hash));
    const against = (backbone: string, root?: Json) => set(['prompt_encoder', 'trained_against', 'backbone'], backbone, root);
    expect(parse(against(hash, withVgg())).backbone).toMatchObject({ file: 'vgg.safetensors' });
    expectCode('PROMPT_ENCODER_MISMATCH', () => parse(withVgg()), 'backbone', '(none)', hash);
    expectCode('PROMPT_ENCODER_MISMATCH', () => parse(against(OTHER_HASH, withVgg())), 'backbone', OTHER_HASH, hash);
    expectCode('PROMPT_ENCODER_MISMATCH', () => parse(against(OTHER_HASH)), 'backbone', OTHER_HASH, '(none)');
  });
});

describe('fuzz', () => {
  const isTree = (value: unknown): value is Json => typeof value === 'object' && value !== null;
  const pathsIn = (value: unknown, path: string[] = []): string[][] =>
    isTree(value) ? Object.entries(value).flatMap(([key, inner]) => [[...path, key], ...pathsIn(inner, [...path, key])]) : [];
  const paths = pathsIn(read());
  const typeOf = (value: unknown): string => (Array.isArray(value) ? 'list' : value === null ? 'null' : typeof value);
  /** What may be missing. */
  const OPTIONAL = /^(about|trained|trained\..*|prompt_encoder|known_answer|files\.(?!sam|prompt|check).*)$/;
  /** A list may be shorter. */
  const SHORTER = /^(sam\.config\.global_attn_indexes|backbone\.mid_blocks)\.\d$/;

  /** The last name of a path, without positions in lists. */
  const nameOf = (path: Path): string => path.filter((key) => !/^\d+$/.test(key)).at(-1) as string;

  function expectNamed(json: unknown, name: string): void {
    try {
      parse(json);
    } catch (error) {
      if (!isProsamError(error)) throw error;
      expect(error.code).toMatch(/^(MODEL_INVALID|PROMPT_ENCODER_MISMATCH)$/);
      expect(error.message).toContain(name);
      return;
    }
    throw new Error('was accepted');
  }

  test('any one thing missing is named, unless it may be missing', () => {
    for (const path of paths) {
      const text = path.join('.');
      const json = changed(path, (parent, key) => {
        if (Array.isArray(parent)) parent.splice(Number(key), 1);
        else Reflect.deleteProperty(parent, key);
      });
      if (OPTIONAL.test(text) || SHORTER.test(text)) expect(() => parse(json), text).not.toThrow();
      else expectNamed(json, nameOf(path));
    }
  });

  test('any one value of another type is named', () => {
    const values = [null, true, 'text', 5, [], {}];
    fc.assert(
      fc.property(fc.constantFrom(...paths), fc.constantFrom(...values), (path, value) => {
        const json = changed(path, (parent, key) => {
          fc.pre(typeOf(parent[key]) !== typeOf(value));
          parent[key] = value;
        });
        expectNamed(json, nameOf(path));
      }),
      { numRuns: 500 },
    );
  });

  test('any added key is named, except where names are free', () => {
    fc.assert(
      fc.property(fc.constantFrom(...paths), (path) => {
        fc.pre(!/^(files|trained)\b/.test(path.join('.')) || path.length === 1);
        const json = changed(path, (parent) => {
          fc.pre(!Array.isArray(parent));
          parent['surprise'] = 1;
        });
        expectNamed(json, 'surprise');
      }),
    );
  });
});
