/** A package, a library and programs that stand in for the real ones: small, and free of network and compiler. */
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { vi } from 'vitest';

export interface StandIns {
  folder: string;
  packageRoot: string;
  cacheDir: string;
  /** File from whose folder the packages are found. */
  place: string;
  /** The programs run so far, oldest first. */
  calls(): string[];
  /** Puts the library where a finished download would have left it. */
  fillCache(variant?: 'cpu' | 'cuda'): void;
  close(): void;
}

export interface StandInOptions {
  /** Shell text of each program, or NOT_INSTALLED. */
  python3?: string;
  compiler?: string;
  version?: string;
  /** What the package's JavaScript computes as the gradient. */
  gradient?: readonly number[];
  headers?: boolean;
}

/** Writes the file after -o, as a compiler does. */
export const COMPILES = 'while [ $# -gt 0 ]; do if [ "$1" = -o ]; then echo addon > "$2"; fi; shift; done';
export const NOT_INSTALLED = 'not installed';
/** Has pip, which finds nothing. */
export const HAS_PIP = 'case "$*" in *version*) exit 0;; esac; exit 1';

function write(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

export function standIns({
  python3 = HAS_PIP,
  compiler = COMPILES,
  version = '4.22.0',
  gradient = [158, 274, 266, 482],
  headers = true,
}: StandInOptions = {}): StandIns {
  const folder = mkdtempSync(join(tmpdir(), 'prosam-setup-'));
  const packageRoot = join(folder, 'node_modules/@tensorflow/tfjs-node');
  write(join(packageRoot, 'package.json'), JSON.stringify({ name: '@tensorflow/tfjs-node', version, main: 'main.js' }));
  write(
    join(packageRoot, 'main.js'),
    `require('node:fs').readFileSync(__dirname + '/lib/napi-v8/tfjs_binding.node');
     require('node:fs').readFileSync(__dirname + '/deps/lib/libtensorflow_cc.so.2');
     const tensor = (values) => ({ dataSync: () => values });
     module.exports = { tensor2d: tensor, matMul: () => tensor([7, 10, 15, 22]), grad: () => () => tensor(${JSON.stringify(gradient)}),
       backend: () => ({ isUsingGpuDevice: false, binding: { TF_Version: '2.21.0' } }) };`,
  );
  if (headers) write(join(folder, 'node_modules/node-api-headers/package.json'), '{"version":"1.9.0"}');
  const programs = join(folder, 'bin');
  const log = join(folder, 'calls');
  mkdirSync(programs);
  writeFileSync(log, '');
  for (const [name, text] of Object.entries({ python3, 'g++': compiler })) {
    if (text === NOT_INSTALLED) continue;
    writeFileSync(join(programs, name), `#!/bin/sh\nPATH=/usr/bin:/bin\necho "${name} $*" >> '${log}'\n${text}\n`);
    chmodSync(join(programs, name), 0o755);
  }
  vi.stubEnv('PATH', programs);
  vi.stubEnv('CXX', '');
  const cacheDir = join(folder, 'cache');
  return {
    folder,
    packageRoot,
    cacheDir,
    place: join(folder, 'package.json'),
    calls: () =>
      readFileSync(log, 'utf8')
        .split('\n')
        .filter((line) => line !== ''),
    fillCache(variant = 'cpu') {
      const library = join(cacheDir, `libtensorflow-2.21.0-${variant}`);
      for (const name of ['libtensorflow_cc.so.2', 'libtensorflow_framework.so.2']) write(join(library, 'tensorflow', name), name);
      if (variant === 'cuda') write(join(library, 'nvidia/cudnn/lib/libcudnn.so.9'), 'cudnn');
    },
    close() {
      vi.unstubAllEnvs();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
