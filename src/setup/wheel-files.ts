/** Libraries out of the wheels of the Python package index: fetched with pip, each held to its sha256, unpacked. */
import { createHash } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { ProsamError } from '../core/common/errors.ts';
import { runTool } from './run-tool.ts';

export interface Wheel {
  /** Requirement as passed to pip. */
  requirement: string;
  /** Checksums: first of the file pip fetches for CPython 3.12 on Linux x64, then of the same library packed for other Pythons. */
  sha256: readonly [string, ...string[]];
  /** Size of the file, for people who wait. */
  megabytes: number;
  /** Platform tag of the file, where it is none of those pip is told to fetch anyway. */
  platform?: string;
}

export interface PythonOptions {
  /** @default 'python3' */
  python?: string | undefined;
  signal?: AbortSignal | undefined;
}

/** The Python and the platforms pip is told to fetch for, whatever runs it: so one checksum holds on every machine. */
export const PIP_TARGET: readonly string[] = [
  ...['--implementation', 'cp', '--python-version', '3.12', '--abi', 'cp312'],
  ...['2_27', '2_25', '2_17', '2_12'].flatMap((glibc) => ['--platform', `manylinux_${glibc}_x86_64`]),
  ...['--platform', 'manylinux2014_x86_64', '--platform', 'manylinux2010_x86_64'],
];

const PYTHON_ADVICE = 'Install Python 3 with pip (Debian, Ubuntu: apt-get install python3 python3-pip) and repeat.';

/** @throws SETUP_FAILED without Python 3, or without its pip where that is needed */
export async function checkPython(withPip: boolean, { python = 'python3', signal }: PythonOptions = {}): Promise<void> {
  const args = withPip ? ['-m', 'pip', '--version'] : ['--version'];
  const { code, complaint } = await runTool(python, args, PYTHON_ADVICE, signal);
  if (code !== 0)
    throw new ProsamError(
      'SETUP_FAILED',
      `expected ${python} with pip, but ${python} ${args.join(' ')} failed: ${complaint}. ${PYTHON_ADVICE}`,
    );
}

/** Identifies given files as the wanted wheels, by their checksums alone. @throws SETUP_FAILED for a file that is none of them */
export async function recogniseWheels(
  files: readonly string[],
  wanted: readonly Wheel[],
  signal?: AbortSignal,
): Promise<Map<Wheel, string>> {
  const found = new Map<Wheel, string>();
  for (const file of files) {
    const sha256 = await sha256Of(file, signal);
    const wheel = wanted.find((one) => one.sha256.includes(sha256));
    if (wheel === undefined)
      throw new ProsamError(
        'SETUP_FAILED',
        `expected a wheel of ${wanted.map(({ requirement }) => requirement).join(' or ')} for Linux x64, but ${file} has the sha256 ${sha256}, which is none of theirs. ` +
          'Fetch the file again from the package index.',
      );
    found.set(wheel, file);
  }
  return found;
}

/** -> path of the file in the folder `to`. offline: the option that takes a file from elsewhere. @throws SETUP_FAILED when pip fails, and for another sha256 */
export async function fetchWheel(
  wheel: Wheel,
  to: string,
  { python = 'python3', signal, onProgress, offline }: PythonOptions & { onProgress: (what: string) => void; offline: string },
): Promise<string> {
  onProgress(`fetching ${wheel.requirement} with pip (${wheel.megabytes} MB)`);
  const quiet = ['--no-deps', '--only-binary=:all:', '--no-cache-dir', '--progress-bar', 'off', '--disable-pip-version-check'];
  const args = [
    '-m',
    'pip',
    'download',
    ...quiet,
    ...(wheel.platform === undefined ? [] : ['--platform', wheel.platform]),
    ...PIP_TARGET,
    '--dest',
    to,
    wheel.requirement,
  ];
  const { code, complaint } = await runTool(python, args, '', signal);
  const names = code === 0 && existsSync(to) ? (await readdir(to)).filter((name) => name.endsWith('.whl')) : [];
  const [name] = names;
  if (name === undefined)
    throw new ProsamError(
      'SETUP_FAILED',
      `expected ${wheel.requirement} from the Python package index, but pip failed:\n  ${complaint}\n` +
        `Check the network; behind a mirror set PIP_INDEX_URL; without a network fetch the wheel elsewhere and name it with ${offline}.`,
    );
  const sha256 = await sha256Of(join(to, name), signal);
  if (sha256 !== wheel.sha256[0])
    throw new ProsamError(
      'SETUP_FAILED',
      `${basename(name)}: expected sha256 ${wheel.sha256[0]}, got ${sha256}. The file is damaged or not the published one; check the package index pip uses and repeat.`,
    );
  return join(to, name);
}

async function sha256Of(file: string, signal?: AbortSignal): Promise<string> {
  const hash = createHash('sha256');
  try {
    for await (const chunk of createReadStream(file, signal && { signal })) hash.update(chunk as Buffer);
  } catch (cause) {
    signal?.throwIfAborted();
    throw new ProsamError('SETUP_FAILED', `expected a wheel file, but ${file} cannot be read. Check the path.`, { cause });
  }
  return hash.digest('hex');
}

/** A wheel is a zip archive; Python, which pip needs anyway, opens it. Programs in it must stay runnable. */
const UNPACK = `
import os, sys, zipfile
archive, target, *expected = sys.argv[1:]
with zipfile.ZipFile(archive) as wheel:
    for info in wheel.infolist():
        if info.filename.startswith(tuple(expected)) and not info.is_dir():
            path = wheel.extract(info, target)
            if (info.external_attr >> 16) & 0o111:
                os.chmod(path, 0o755)
`;

/** Takes the files whose paths begin with one of `parts` out of a zip archive. @throws SETUP_FAILED */
export async function unpack(
  archive: string,
  to: string,
  parts: readonly string[],
  { python = 'python3', signal }: PythonOptions = {},
): Promise<void> {
  const { code, complaint } = await runTool(python, ['-c', UNPACK, archive, to, ...parts], '', signal);
  if (code !== 0)
    throw new ProsamError('SETUP_FAILED', `${archive} cannot be unpacked to ${to}:\n  ${complaint}\nCheck the free space and repeat.`);
}
