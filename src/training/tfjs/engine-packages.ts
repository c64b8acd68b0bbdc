/** The training engines and where their optional packages are installed: first by the caller's working directory, then by this library's own place. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type * as TensorFlow from '@tensorflow/tfjs-core';

/** In the order `auto` tries them. */
export const TRAINING_ENGINES = ['node-gpu', 'node', 'wasm'] as const;
export type TrainingEngineName = (typeof TRAINING_ENGINES)[number];

export interface TrainingEngine {
  /** The copy of tfjs-core the backend registered with; its current backend is this one. */
  tf: typeof TensorFlow;
  /** 'node-gpu' only where a GPU really computes. */
  name: TrainingEngineName;
  /** Engine in use, e.g. "tfjs-node 4.22.0 on libtensorflow 2.21.0, CPU". */
  about: string;
}

/** The only version whose kernels and gradients are held against the golden numbers. */
export const TFJS_VERSION = '4.22.0';

/** npm package of each engine. */
export const ENGINE_PACKAGES = {
  'node-gpu': '@tensorflow/tfjs-node-gpu',
  node: '@tensorflow/tfjs-node',
  wasm: '@tensorflow/tfjs-backend-wasm',
} as const;

/** Beside the addon where `prosam setup` made it: its calls are then guarded against signals. */
export const QUIET_LOADER = 'quiet_loading.node';

export interface InstalledPackage {
  name: string;
  version: string;
  /** Its folder. */
  root: string;
}

/** Files from whose folders packages are looked up, in this order. */
export function searchPlaces(): string[] {
  return [join(process.cwd(), 'package.json'), import.meta.url];
}

/** Every copy of a package that the places see, without repeats. */
export function installedPackages(name: string, places: readonly string[] = searchPlaces()): InstalledPackage[] {
  const roots = new Set<string>();
  for (const place of places) {
    try {
      roots.add(dirname(createRequire(place).resolve(`${name}/package.json`)));
    } catch {
      // Not installed there: the next place may see it.
    }
  }
  return [...roots].map((root) => ({ name, root, version: versionOf(root) }));
}

/** The version in a package folder's package.json; 'unknown' where there is none. */
export function versionOf(root: string): string {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version?: string };
  return version ?? 'unknown';
}

/** The native addon the package will load on this Node: the newest N-API version that both know. Undefined before set-up. */
export function addonOf(root: string): string | undefined {
  const library = join(root, 'lib');
  if (!existsSync(library)) return undefined;
  const versions = readdirSync(library)
    .map((name) => Number(/^napi-v(\d+)$/.exec(name)?.[1] ?? NaN))
    .filter((version) => version <= Number(process.versions['napi']))
    .sort((a, b) => b - a);
  return versions.map((version) => join(library, `napi-v${version}`, 'tfjs_binding.node')).find((path) => existsSync(path));
}

/** npm command that installs what an engine needs. Scripts are off because the packages' own would fetch an outdated library. */
export function installCommand(...names: string[]): string {
  const wanted = ['@tensorflow/tfjs-core', '@tensorflow/tfjs', ...names].map((name) => `${name}@${TFJS_VERSION}`);
  const headers = names.some((name) => name.includes('tfjs-node')) ? ' node-api-headers' : '';
  return `npm install --ignore-scripts ${wanted.join(' ')}${headers}`;
}
