/** Packages with compiled libraries that cannot be loaded here: which one, why, and what to do, in one sentence each. */
import { messageOf, ProsamError } from './errors.ts';

/** Package with a library of its own for each system. */
export type NativePackage = 'sharp' | 'onnxruntime-node';

/** Facts that decide whether compiled libraries fit. */
export interface NativeSystem {
  /** Name of the system, as `process.platform` has it. */
  platform: string;
  /** Kind of processor, as `process.arch` has it. */
  arch: string;
  /** Linux whose C library is not glibc, such as Alpine. */
  musl: boolean;
}

const TITLES: Readonly<Record<NativePackage, string>> = {
  sharp: 'sharp, which reads and writes images,',
  'onnxruntime-node': 'onnxruntime-node, which computes the networks,',
};

/** A process as far as it tells where it runs. */
interface ProcessFacts {
  platform: string;
  arch: string;
  report?: { getReport?: () => unknown; excludeNetwork?: boolean };
}

/** System that a process runs on. */
export function nativeSystemOf({ platform, arch, report }: ProcessFacts): NativeSystem {
  return { platform, arch, musl: platform === 'linux' && !hasGlibc(report) };
}

/** Unknown counts as glibc: only what is known to be missing is blamed. */
function hasGlibc(report: ProcessFacts['report']): boolean {
  // Without it a report looks up the names of all peers, which may take seconds.
  const before = report?.excludeNetwork;
  if (report) report.excludeNetwork = true;
  const told = report?.getReport?.() as { header?: Record<string, unknown> } | undefined;
  if (report && before !== undefined) report.excludeNetwork = before;
  return told?.header === undefined || 'glibcVersionRuntime' in told.header;
}

/** PACKAGE_MISSING for a package that did not load. */
export function nativePackageError(name: NativePackage, cause: unknown, system: NativeSystem): ProsamError {
  const place = `${system.platform} ${system.arch}${system.musl ? ' with musl' : ''}`;
  return new ProsamError(
    'PACKAGE_MISSING',
    `${TITLES[name]} cannot be loaded on ${place}: ${reasonOf(cause)}. ${fixFor(name, messageOf(cause), codeOf(cause), system)}`,
    { cause },
  );
}

const LONGEST_REASON = 300;

/** The line that says what is wrong: sharp's messages begin with a title and end with pages of advice, Node's with its own stack. */
function reasonOf(cause: unknown): string {
  const lines = messageOf(cause)
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  const telling = lines.find((line) =>
    /ERR_DLOPEN_FAILED|shared object|shared library|symbol|GLIBC|dlopen|not found|Cannot find/i.test(line),
  );
  return (telling ?? lines[0] ?? 'no reason was given').slice(0, LONGEST_REASON).replace(/[.:\s]+$/, '');
}

function codeOf(cause: unknown): string | undefined {
  const { code } = (cause ?? {}) as { code?: unknown };
  return typeof code === 'string' ? code : undefined;
}

function fixFor(name: NativePackage, message: string, code: string | undefined, { platform, arch, musl }: NativeSystem): string {
  if (name === 'onnxruntime-node' && musl)
    return 'It has no build for musl (Alpine): use a system with glibc, such as the image node:24-slim.';
  const symbols = /(GLIBC|GLIBCXX|CXXABI)_[\d.]+/.exec(message);
  if (symbols) return `This system is older than the library expects (${symbols[0]}): use a newer one, such as Debian 12 or Ubuntu 22.04.`;
  const other = /([\w+.-]+\.(?:so(?:\.[\d.]+)?|dylib|dll))/.exec(message)?.[1];
  const own = other !== undefined && /vips|onnxruntime|sharp/i.test(other);
  if (platform === 'win32' && code === 'ERR_DLOPEN_FAILED')
    return 'Install the Microsoft Visual C++ Redistributable (2019 or newer), then run npm install again.';
  if (other !== undefined && !own && code === 'ERR_DLOPEN_FAILED') return `Install the system's package that brings ${other}.`;
  const again = `npm install --force ${name}`;
  const where = `${platform}-${arch}`;
  return name === 'sharp'
    ? `Install it again on this machine, optional packages included: npm install --include=optional --os=${platform}${musl ? ' --libc=musl' : ''} --cpu=${arch} sharp.`
    : `Install it again on this machine (${where}), with its install script: ${again}. Folders of node_modules from another system do not work.`;
}
