/** The library and a freshly compiled addon put under an npm package, so that the package is either as before or complete. */
import { constants } from 'node:fs';
import { copyFile, link, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ProsamError } from '../../core/common/errors.ts';
import { QUIET_LOADER } from '../tfjs/engine-packages.ts';
import { GUARDED_CALLS, QUIET_LOADING, SIGNAL_GUARD } from './native-sources.ts';
import { COMPILER_ADVICE, compiler } from './requirements.ts';
import { runTool } from '../../setup/run-tool.ts';
import { TENSORFLOW_VERSION, type Variant } from './wheels.ts';

const LIBRARIES = ['libtensorflow_cc.so.2', 'libtensorflow_framework.so.2'] as const;

export interface AddonParts {
  /** Folder of the npm package. */
  packageRoot: string;
  /** Folder from `ensureLibrary`. */
  library: string;
  /** Folder of node-api-headers. */
  headers: string;
  variant: Variant;
}

/** @throws SETUP_FAILED with the compiler's last words */
export async function installAddon({ packageRoot, library, headers, variant }: AddonParts, signal?: AbortSignal): Promise<void> {
  const work = await mkdtemp(join(packageRoot, '.setup-'));
  try {
    for (const name of LIBRARIES) await linkTree(join(library, 'tensorflow', name), join(work, 'deps', 'lib', name));
    // The library looks for CUDA's own in ../nvidia/*/lib beside its folder.
    if (variant === 'cuda') await linkTree(join(library, 'nvidia'), join(work, 'deps', 'nvidia'));
    await mkdir(join(work, 'lib', 'napi-v8'), { recursive: true });
    await compile(packageRoot, work, [join(headers, 'include'), join(library, 'tensorflow', 'include')], signal);
    await writeFile(join(work, 'deps', STAMP), stamp(variant));
    // The stamp lies in deps, so deps goes last: an interrupted run leaves an unstamped package, which is set up again.
    await rm(join(packageRoot, 'deps', STAMP), { force: true });
    await replaceFolder(join(work, 'lib'), join(packageRoot, 'lib'), join(work, 'old-lib'));
    await replaceFolder(join(work, 'deps'), join(packageRoot, 'deps'), join(work, 'old-deps'));
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

const STAMP = 'prosam-setup.json';

function stamp(variant: Variant): string {
  return `${JSON.stringify({ libtensorflow: TENSORFLOW_VERSION, variant, guarded: true })}\n`;
}

/** Whether this very library was put there by a run that came to its end. */
export async function isInstalled(packageRoot: string, variant: Variant): Promise<boolean> {
  const found = await readFile(join(packageRoot, 'deps', STAMP), 'utf8').catch(() => '');
  return found === stamp(variant);
}

/** Leaves the package as npm installed it: no engine loads it. */
export async function removeAddon(packageRoot: string): Promise<void> {
  await rm(join(packageRoot, 'deps', STAMP), { force: true });
  await rm(join(packageRoot, 'lib'), { recursive: true, force: true });
}

async function compile(packageRoot: string, to: string, includes: readonly string[], signal?: AbortSignal): Promise<void> {
  const [guard, quiet] = [join(to, 'signal-guard.cc'), join(to, 'quiet-loading.cc')];
  await writeFile(guard, SIGNAL_GUARD);
  await writeFile(quiet, QUIET_LOADING);
  const common = ['-std=c++17', '-O2', '-fPIC', '-shared', '-w', '-DNAPI_VERSION=8', ...includes.map((folder) => `-I${folder}`)];
  const target = (name: string): string[] => ['-o', join(to, 'lib', 'napi-v8', name)];
  const addon = [
    ...[...common, `-I${packageRoot}`, ...GUARDED_CALLS, guard],
    ...['tfjs_backend.cc', 'tfjs_binding.cc'].map((name) => join(packageRoot, 'binding', name)),
    ...LIBRARIES.map((name) => join(to, 'deps', 'lib', name)),
    '-Wl,-rpath,$ORIGIN/../../deps/lib',
    ...target('tfjs_binding.node'),
  ];
  for (const args of [addon, [...common, quiet, ...target(QUIET_LOADER)]]) {
    const { code, complaint } = await runTool(compiler(), args, COMPILER_ADVICE, signal);
    if (code === 0) continue;
    throw new ProsamError(
      'SETUP_FAILED',
      `${compiler()} could not compile the addon in ${join(packageRoot, 'binding')}:\n  ${complaint}\nIt takes a compiler of C++17, such as g++ 9 or newer.`,
    );
  }
}

/** Hard links where the cache lies on the same file system, copies elsewhere: the package needs the cache no longer. */
async function linkTree(from: string, to: string): Promise<void> {
  const entries = await readdir(from, { withFileTypes: true }).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOTDIR') return undefined;
    throw error;
  });
  if (entries) {
    for (const { name } of entries) await linkTree(join(from, name), join(to, name));
    return;
  }
  await mkdir(dirname(to), { recursive: true });
  await link(from, to).catch(() => copyFile(from, to, constants.COPYFILE_FICLONE));
}

/** Puts `from` in the place of `to`, which goes to `away`. Another set-up may do the same at the same time. */
async function replaceFolder(from: string, to: string, away: string): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    await rename(to, `${away}-${attempt}`).catch((error: unknown) => {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    });
    try {
      await rename(from, to);
      return;
    } catch (error) {
      const taken = ['ENOTEMPTY', 'EEXIST'].includes((error as NodeJS.ErrnoException).code ?? '');
      if (!taken || attempt === 10) throw error;
    }
  }
}
