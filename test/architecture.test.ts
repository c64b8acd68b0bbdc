/** Who may know whom: the table of ARCHITECTURE.md, held against the imports. */
import { readdirSync, readFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const SOURCE = resolve('src');

interface Rule {
  /** Paths below src/ the rule holds for; the first that matches counts. */
  files: RegExp;
  /** Paths below src/ that may be imported. */
  own: RegExp;
  /** Paths below src/ of which only types may be imported. */
  types?: RegExp;
  /** Packages that may be imported. */
  packages: readonly string[];
  /** Node's own modules. */
  builtins: boolean;
}

const RULES: readonly Rule[] = [
  { files: /^core\/(model|mask|methods)\//, own: /^core\//, packages: [], builtins: false },
  {
    files: /^core\/runtime\/(protobuf|onnx-|emit|marked-cells|model-graphs|networks|runtime|precision|half-ops|quantised-ops|agreement)/,
    own: /^core\//,
    packages: [],
    builtins: false,
  },
  // What runs in browsers.
  { files: /^core\/runtime\/(web|create-web-engine)/, own: /^core\//, packages: ['onnxruntime-web'], builtins: false },
  { files: /^core\/runtime\//, own: /^core\//, packages: ['onnxruntime-node'], builtins: true },
  {
    files: /^core\/image\/(pillow-resize|preprocess|mirror|pixels|image-limits|image-header|web-)/,
    own: /^core\//,
    packages: [],
    builtins: false,
  },
  { files: /^core\/image\//, own: /^core\//, packages: ['sharp'], builtins: true },
  {
    files:
      /^core\/checkpoint\/(safetensors|check-|checkpoint\.ts|manifest|config-schema|rename|describe-|tensor-shapes|shard-list|.*-names|model-url|model-ids|model-cache|fetch-file|load-model-files)/,
    own: /^core\//,
    packages: ['zod'],
    builtins: false,
  },
  { files: /^core\/checkpoint\//, own: /^core\//, packages: ['zod'], builtins: true },
  { files: /^core\/random\.ts$/, own: /^core\//, packages: ['pure-rand'], builtins: false },
  { files: /^core\/[^/]+$/, own: /^core\//, packages: [], builtins: false },
  { files: /^scenes\//, own: /^scenes\//, packages: [], builtins: false },
  { files: /^setup\//, own: /^(core|setup)\//, packages: [], builtins: true },
  { files: /^training\/setup\//, own: /^(core|training|setup)\//, packages: ['zod'], builtins: true },
  // One backend of TensorFlow.js is loaded by name, so that none of them need be installed.
  { files: /^training\/engine/, own: /^(core|training)\//, packages: ['@tensorflow/tfjs-core'], builtins: true },
  { files: /^training\/datasets\/scenes-dataset/, own: /^(core|training|scenes)\//, packages: ['fast-png'], builtins: true },
  {
    files: /^training\//,
    own: /^(core|training)\//,
    packages: ['@tensorflow/tfjs-core', 'fast-png', 'zod', 'd3-scale', 'sharp', 'croner'],
    builtins: true,
  },
  // Database, queue and object store of those who outgrow SQLite are loaded by name.
  { files: /^adapters\/storage\//, own: /^(core|adapters\/storage)\//, packages: ['kysely', 'zod'], builtins: true },
  {
    files: /^adapters\/http\//,
    own: /^(core|adapters\/http)\//,
    packages: ['express', 'zod', 'undici', 'ipaddr.js', 'busboy', 'pino', 'prom-client'],
    builtins: true,
  },
  // Adapters translate: they know the words of the service and the shared HTTP parts, never each other, the engine or the trainer.
  { files: /^adapters\/webhook\//, own: /^(core|adapters\/(http|webhook))\//, packages: ['express', 'zod'], builtins: true },
  { files: /^adapters\/console\//, own: /^(core|adapters\/(http|console))\//, packages: ['express', 'zod'], builtins: true },
  { files: /^adapters\/ml-backend\//, own: /^(core|adapters\/(http|ml-backend))\//, packages: ['express', 'zod'], builtins: true },
  // The one adapter that another one's protocol was written for.
  {
    files: /^adapters\/label-studio\//,
    own: /^(core|adapters\/(http|ml-backend|label-studio))\//,
    packages: ['express', 'zod', 'undici'],
    builtins: true,
  },
  { files: /^adapters\/cvat\//, own: /^(core|adapters\/(http|cvat))\//, packages: ['express', 'zod', 'undici'], builtins: true },
  { files: /^service\//, own: /^(core|service)\//, packages: ['zod', 'croner'], builtins: true },
  // Requests and answers are typed by the schemas they are checked with; nothing of those is loaded.
  {
    files: /^client\//,
    own: /^client\//,
    types: /^adapters\/(webhook\/(schemas|answers)|http\/image-input)\.ts$/,
    packages: [],
    builtins: false,
  },
  { files: /^web(-worker)?\.ts$/, own: /^core\//, packages: ['zod'], builtins: false },
  { files: /^(cli\.ts$|cli\/|index\.ts$|prosam\/)/, own: /./, packages: ['sharp', 'zod'], builtins: true },
];

interface Import {
  from: string;
  specifier: string;
  typeOnly: boolean;
}

const STATEMENT = /^\s*(?:import|export)\s+(type\s)?(?:[^'";]*?\sfrom\s+)?'([^']+)'/gm;

const files = readdirSync(SOURCE, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));
const imports: Import[] = files.flatMap((file) => {
  const text = readFileSync(join(SOURCE, file), 'utf8');
  return [...text.matchAll(STATEMENT)].map(([, type, specifier]) => ({
    from: file,
    specifier: specifier as string,
    typeOnly: type !== undefined,
  }));
});

function packageOf(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}

describe('the architecture', () => {
  it('has a rule for every file', () => {
    expect(files.filter((file) => !RULES.some((rule) => rule.files.test(file)))).toEqual([]);
    expect(imports.length).toBeGreaterThan(150); // the pattern really finds them
  });

  it('lets every file import only what its room may know', () => {
    const broken = imports.filter(({ from, specifier, typeOnly }) => {
      const rule = RULES.find((one) => one.files.test(from)) as Rule;
      if (specifier.startsWith('.')) {
        const path = relative(SOURCE, resolve(SOURCE, dirname(from), specifier));
        return !rule.own.test(path) && !(typeOnly && rule.types?.test(path) === true);
      }
      // A type leaves no trace at run time, so it binds a room to nothing.
      if (isBuiltin(specifier)) return !rule.builtins && !typeOnly;
      return !rule.packages.includes(packageOf(specifier)) && !typeOnly;
    });
    expect(broken.map(({ from, specifier }) => `${from} imports ${specifier}`)).toEqual([]);
  });

  it('keeps the engine itself and all that runs in browsers free of Node, whichever way one follows its imports', () => {
    const seen = new Set<string>();
    const reached: string[] = [];
    const follow = (file: string): void => {
      if (seen.has(file)) return;
      seen.add(file);
      for (const { from, specifier, typeOnly } of imports) {
        if (from !== file || typeOnly) continue;
        if (specifier.startsWith('.')) follow(relative(SOURCE, resolve(SOURCE, dirname(file), specifier)));
        else if (isBuiltin(specifier) || packageOf(specifier) === 'sharp') reached.push(`${file}: ${specifier}`);
      }
    };
    // The last is loaded by the one before it when it is first needed.
    for (const file of ['core/engine/engine.ts', 'web.ts', 'web-worker.ts', 'core/runtime/web/engine.ts']) follow(file);
    expect(seen.size).toBeGreaterThan(30);
    expect(reached).toEqual([]);
  });

  it('has no file over 300 lines and no folder deeper than two below src', () => {
    const long = files.filter((file) => readFileSync(join(SOURCE, file), 'utf8').split('\n').length > 300);
    expect(long).toEqual([]);
    expect(files.filter((file) => file.split('/').length > 3)).toEqual([]);
  });
});
