/** Dependency rules: the one object that the architecture test, lint and ARCHITECTURE.md's table read. */

export interface Room {
  /** Folder or file below src/. The longest match holds for a file. */
  readonly place: string;
  /** Rooms below src/ that may be imported, with all rooms inside them. A room always knows itself. */
  readonly knows: readonly string[];
  /** Rooms inside those that may not be imported all the same. */
  readonly not?: readonly string[];
  /** Rooms of which only types may be imported; types of `core` are free everywhere. */
  readonly types?: readonly string[];
  /** Packages that may be imported by value. */
  readonly packages?: readonly string[];
  /** Packages loaded by name, only when asked for. */
  readonly byName?: readonly string[];
  /** Whether Node's own modules may be imported. */
  readonly node?: boolean;
  /** Row for a room that has no files yet, so that the first one finds its rule. */
  readonly planned?: boolean;
  /** Reason of the row, as ARCHITECTURE.md prints it. */
  readonly why: string;
}

const PURE = ['core/common', 'core/mask', 'core/image', 'core/networks', 'core/checkpoint', 'core/onnx', 'core/engine'];
/** Parts of the engine that translate between formats and never compute a network. */
const FORMATS = ['core/common', 'core/mask', 'core/image', 'core/engine'];

export const ROOMS: readonly Room[] = [
  // The engine, from the bottom up.
  { place: 'core/common', knows: [], packages: ['pure-rand'], why: 'errors, randomness, caches: used by every room' },
  { place: 'core/mask', knows: ['core/common'], why: 'runs unchanged in Node, workers and browsers' },
  { place: 'core/image', knows: ['core/common', 'core/mask'], why: 'pixels as Pillow and SAM treat them' },
  {
    place: 'core/image/node',
    knows: ['core/common', 'core/mask', 'core/image'],
    packages: ['sharp'],
    node: true,
    why: 'decoding in one place',
  },
  { place: 'core/image/web', knows: ['core/common', 'core/mask', 'core/image'], why: "decoding with the page's own decoder" },
  { place: 'core/networks', knows: ['core/common'], why: 'one definition for every runtime' },
  { place: 'core/files', knows: ['core/common'], packages: ['zod'], node: true, why: 'files that survive a crash' },
  {
    place: 'core/checkpoint',
    knows: ['core/common', 'core/networks', 'core/files'],
    packages: ['zod'],
    node: true,
    why: 'what weight files and model folders say',
  },
  { place: 'core/checkpoint/formats', knows: ['core/common'], packages: ['zod'], node: true, why: 'file formats, read in place' },
  { place: 'core/checkpoint/names', knows: ['core/common', 'core/checkpoint'], why: 'tensor names of published checkpoints' },
  { place: 'core/checkpoint/web', knows: ['core/common', 'core/checkpoint'], why: 'models by URL' },
  {
    place: 'core/onnx',
    knows: ['core/common', 'core/networks', 'core/image', 'core/checkpoint'],
    why: 'emission, with sessions as a port',
  },
  { place: 'core/engine', knows: PURE, why: 'the method itself; sessions and images are ports' },
  { place: 'core/engine/methods', knows: PURE, why: 'one method a file, equal before the engine' },
  {
    place: 'core/engine/methods/external',
    knows: ['core/common', 'core/mask', 'core/engine'],
    why: 'methods of others through one port; they never see sessions or weights',
  },
  { place: 'core/engine/tracking', knows: PURE, why: 'an object followed from frame to frame: one idea a file' },
  {
    place: 'core/runtime',
    knows: [...PURE, 'core/files'],
    packages: ['onnxruntime-node'],
    node: true,
    why: 'sessions, devices, the worker process, the disk cache',
  },
  { place: 'core/runtime/web', knows: [...PURE, 'core/runtime/worker'], packages: ['onnxruntime-web'], why: 'the engine as pages get it' },
  {
    place: 'core/models',
    knows: [...PURE, 'core/files', 'core/runtime'],
    packages: ['zod'],
    node: true,
    why: 'what is installed, and its proof',
  },
  {
    place: 'core/models/hub',
    knows: ['core/common', 'core/files', 'core/checkpoint'],
    packages: ['zod'],
    byName: ['@huggingface/hub'],
    node: true,
    why: 'downloads that resume and are verified',
  },
  { place: 'core/public.ts', knows: PURE, why: 'names that the Node and the browser entry share' },
  { place: 'core/public-types.ts', knows: PURE, why: 'types among them, which the types entry has too' },
  // Around the engine.
  { place: 'scenes', knows: [], why: 'usable anywhere' },
  { place: 'setup', knows: ['core'], node: true, why: 'what npm cannot bring; a wheel is a wheel' },
  {
    place: 'training',
    knows: ['core'],
    packages: ['zod', 'fast-png', 'sharp', 'd3-scale'],
    node: true,
    why: 'trains with no server and no database; TensorFlow.js is handed in',
  },
  {
    place: 'training/tfjs',
    knows: ['core'],
    packages: [],
    byName: ['@tensorflow/tfjs-*'],
    node: true,
    why: 'nobody installs what they do not use',
  },
  { place: 'training/setup', knows: ['core', 'setup', 'training'], packages: ['zod'], node: true, why: 'a current libtensorflow' },
  {
    place: 'training/datasets',
    knows: ['core', 'training', 'scenes'],
    packages: ['zod', 'fast-png', 'sharp', 'yaml'],
    node: true,
    why: 'data sets, also drawn ones',
  },
  { place: 'service', knows: FORMATS, packages: ['zod'], node: true, why: 'the same for every adapter and store' },
  { place: 'service/ports', knows: ['core/common'], why: 'what storage and learner are held to' },
  {
    place: 'learner',
    knows: ['core', 'training', 'service/ports'],
    packages: ['zod', 'croner'],
    node: true,
    why: 'from accepted annotations to a version',
  },
  {
    place: 'storage',
    knows: ['core/common', 'service/ports'],
    packages: ['kysely', 'zod'],
    byName: ['pg', 'pg-boss', '@aws-sdk/client-s3'],
    node: true,
    why: 'exchangeable behind the ports',
  },
  {
    place: 'export',
    knows: ['core/common', 'core/mask', 'service/ports'],
    planned: true,
    why: "from the store's port to files of other tools",
  },
  {
    place: 'testing',
    knows: ['core', 'external', 'scenes', 'service', 'storage', 'adapters/http', 'server'],
    packages: ['sharp'],
    node: true,
    why: 'conformance suites for adapters, stores and methods',
  },
  {
    place: 'adapters/http',
    knows: ['core/common', 'core/image', 'service/ports'],
    packages: ['express', 'zod', 'undici', 'ipaddr.js', 'busboy', 'pino', 'prom-client'],
    node: true,
    why: 'one shell, one guard, one way out',
  },
  {
    place: 'adapters/webhook',
    knows: [...FORMATS, 'core/networks', 'service', 'adapters/http'],
    packages: ['zod'],
    node: true,
    why: 'thin translation',
  },
  {
    place: 'adapters/console',
    knows: [...FORMATS, 'service', 'adapters/http'],
    not: ['adapters/console/page'],
    packages: ['zod'],
    node: true,
    why: 'pages for operators',
  },
  {
    place: 'adapters/console/bundle-page.ts',
    knows: [],
    packages: ['esbuild'],
    node: true,
    why: 'bundles the page when run from sources, and in the build',
  },
  {
    place: 'adapters/console/page',
    knows: ['client'],
    types: ['adapters/console/responses.ts'],
    why: 'runs in browsers; asks as every client does',
  },
  {
    place: 'adapters/label-studio',
    knows: [...FORMATS, 'service', 'adapters/http'],
    packages: ['zod', 'undici'],
    node: true,
    why: "Label Studio's protocol and its interface",
  },
  {
    place: 'adapters/cvat',
    knows: [...FORMATS, 'core/files', 'service', 'adapters/http'],
    packages: ['zod', 'undici'],
    node: true,
    why: "answers as Nuclio does, and calls CVAT's interface",
  },
  { place: 'client/page', knows: [], why: 'parts of pages shared by the console and the browser example' },
  {
    place: 'client',
    knows: ['core/common/retry.ts', 'core/common/event-stream.ts', 'core/common/errors.ts'],
    not: ['client/page'],
    types: ['service/ports'],
    why: 'runs in browsers; its types are held to the schemas of the webhook adapter by a test',
  },
  {
    place: 'external',
    knows: ['core/common', 'core/mask', 'core/engine/methods/external', 'adapters/http'],
    node: true,
    why: 'addresses and commands of systems outside, behind one port',
  },
  // Wiring.
  { place: 'web.ts', knows: ['core'], why: 'the same engine, wired for pages' },
  { place: 'web-worker.ts', knows: ['core'], packages: ['zod'], why: 'the same engine, wired for pages' },
  { place: 'types.ts', knows: ['core'], types: ['external'], why: 'types of signatures, nothing to run' },
  { place: 'index.ts', knows: ['core', 'external'], node: true, why: 'the root entry: engine, masks and errors' },
  {
    place: 'server',
    knows: ['core', 'external', 'service', 'storage', 'learner', 'adapters', 'client'],
    packages: ['zod'],
    node: true,
    why: 'the composition root',
  },
  { place: 'cli', knows: [''], packages: ['sharp', 'zod'], node: true, why: 'wiring for the command line' },
  { place: 'cli.ts', knows: [''], node: true, why: 'wiring for the command line' },
];

/** Entry points whose imports, followed by value, must never reach Node or sharp. */
export const FREE_OF_NODE: readonly string[] = [
  'core/engine/engine.ts',
  'web.ts',
  'web-worker.ts',
  'core/runtime/web/engine.ts',
  'client/index.ts',
];

/** Largest number of source files in one folder, and of lines in one file. */
export const MAX_FILES = 30;
export const MAX_LINES = 300;
