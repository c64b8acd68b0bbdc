/** TensorFlow's library in the user's cache: fetched once, checked, unpacked; either whole or not there. */
import { createHash } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { basename, join } from 'node:path';
import { ProsamError } from '../../core/errors.ts';
import { checkPython } from './requirements.ts';
import { runTool } from './run-tool.ts';
import { PIP_TARGET, TENSORFLOW_VERSION, WANTED_PARTS, WHEELS, type Variant, type Wheel } from './wheels.ts';

export interface LibraryOptions {
  variant: Variant;
  /** Folder for it; see `defaultCacheDir`. */
  cacheDir: string;
  /** Wheel files that are here already and need not be fetched. */
  wheels: readonly string[];
  onProgress: (what: string) => void;
  signal: AbortSignal | undefined;
}

/** $XDG_CACHE_HOME/prosam, or ~/.cache/prosam. */
export function defaultCacheDir(): string {
  const chosen = process.env['XDG_CACHE_HOME'];
  return join(chosen === undefined || chosen === '' ? join(homedir(), '.cache') : chosen, 'prosam');
}

/** -> folder with tensorflow/ and, for CUDA, nvidia/. @throws SETUP_FAILED, see the message */
export async function ensureLibrary(options: LibraryOptions): Promise<string> {
  const { variant, cacheDir, wheels, onProgress, signal } = options;
  const folder = join(cacheDir, `libtensorflow-${TENSORFLOW_VERSION}-${variant}`);
  if (existsSync(folder)) return folder;
  await mkdir(cacheDir, { recursive: true });
  const work = await mkdtemp(join(cacheDir, '.libtensorflow-'));
  try {
    const given = await recognise(wheels, WHEELS[variant], signal);
    await checkPython(given.size < WHEELS[variant].length, signal);
    for (const wheel of WHEELS[variant]) {
      const file = given.get(wheel) ?? (await fetchWheel(wheel, join(work, 'wheel'), onProgress, signal));
      onProgress(`unpacking ${wheel.requirement}`);
      await unpack(file, join(work, 'library'), WANTED_PARTS, signal);
      await rm(join(work, 'wheel'), { recursive: true, force: true });
    }
    await rename(join(work, 'library'), folder).catch((error: unknown) => {
      if (!existsSync(folder)) throw error; // otherwise another process was faster
    });
    return folder;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** Which of the wanted wheels the given files are, by their checksums alone. */
async function recognise(files: readonly string[], wanted: readonly Wheel[], signal?: AbortSignal): Promise<Map<Wheel, string>> {
  const found = new Map<Wheel, string>();
  for (const file of files) {
    const sha256 = await sha256Of(file, signal);
    const wheel = wanted.find((one) => one.sha256.includes(sha256));
    if (wheel === undefined)
      throw new ProsamError(
        'SETUP_FAILED',
        `wanted a wheel of ${wanted.map(({ requirement }) => requirement).join(' or ')} for Linux x64, but ${file} has the sha256 ${sha256}, which is none of theirs. ` +
          'Fetch the file again from the package index.',
      );
    found.set(wheel, file);
  }
  return found;
}

async function fetchWheel(wheel: Wheel, to: string, onProgress: LibraryOptions['onProgress'], signal?: AbortSignal): Promise<string> {
  onProgress(`fetching ${wheel.requirement} with pip (${wheel.megabytes} MB)`);
  const quiet = ['--no-deps', '--only-binary=:all:', '--no-cache-dir', '--progress-bar', 'off', '--disable-pip-version-check'];
  const args = ['-m', 'pip', 'download', ...quiet, ...PIP_TARGET, '--dest', to, wheel.requirement];
  const { code, complaint } = await runTool('python3', args, '', signal);
  const names = code === 0 && existsSync(to) ? (await readdir(to)).filter((name) => name.endsWith('.whl')) : [];
  const [name] = names;
  if (name === undefined)
    throw new ProsamError(
      'SETUP_FAILED',
      `wanted ${wheel.requirement} from the Python package index, but pip failed:\n  ${complaint}\n` +
        'Check the network; behind a mirror set PIP_INDEX_URL; without a network fetch the wheel elsewhere and name it with --wheel FILE.',
    );
  const sha256 = await sha256Of(join(to, name), signal);
  if (sha256 !== wheel.sha256[0])
    throw new ProsamError(
      'SETUP_FAILED',
      `${basename(name)}: wanted sha256 ${wheel.sha256[0]}, got ${sha256}. The file is damaged or not the published one; check the package index pip uses and repeat.`,
    );
  return join(to, name);
}

async function sha256Of(file: string, signal?: AbortSignal): Promise<string> {
  const hash = createHash('sha256');
  try {
    for await (const chunk of createReadStream(file, signal && { signal })) hash.update(chunk as Buffer);
  } catch (cause) {
    signal?.throwIfAborted();
    throw new ProsamError('SETUP_FAILED', `wanted a wheel file, but ${file} cannot be read. Check the path.`, { cause });
  }
  return hash.digest('hex');
}

/** A wheel is a zip archive; Python, which pip needs anyway, opens it. Programs in it must stay runnable. */
const UNPACK = `
import os, sys, zipfile
archive, target, *wanted = sys.argv[1:]
with zipfile.ZipFile(archive) as wheel:
    for info in wheel.infolist():
        if info.filename.startswith(tuple(wanted)) and not info.is_dir():
            path = wheel.extract(info, target)
            if (info.external_attr >> 16) & 0o111:
                os.chmod(path, 0o755)
`;

/** Takes the files whose paths begin with one of `parts` out of a zip archive. @throws SETUP_FAILED */
export async function unpack(archive: string, to: string, parts: readonly string[], signal?: AbortSignal): Promise<void> {
  const { code, complaint } = await runTool('python3', ['-c', UNPACK, archive, to, ...parts], '', signal);
  if (code !== 0)
    throw new ProsamError('SETUP_FAILED', `${archive} cannot be unpacked to ${to}:\n  ${complaint}\nCheck the free space and repeat.`);
}
