/** What a machine must have before anything is fetched: a platform TensorFlow is built for, a compiler, Python with pip. */
import { ProsamError } from '../../core/errors.ts';
import { runTool } from './run-tool.ts';

export interface Platform {
  system: string;
  processor: string;
  /** Version of the GNU C library; undefined where another one runs. */
  glibc: string | undefined;
}

/** Of the wheels: manylinux_2_27. */
const LEAST_GLIBC_MINOR = 27;

export const COMPILER_ADVICE = 'Install a C++17 compiler (Debian, Ubuntu: apt-get install g++; Fedora: dnf install gcc-c++) and repeat.';
const PYTHON_ADVICE = 'Install Python 3 with pip (Debian, Ubuntu: apt-get install python3 python3-pip) and repeat.';

export function thisPlatform(): Platform {
  const { header } = process.report.getReport() as { header: { glibcVersionRuntime?: string } };
  return { system: process.platform, processor: process.arch, glibc: header.glibcVersionRuntime };
}

/** @throws SETUP_FAILED where the library cannot run */
export function checkPlatform({ system, processor, glibc }: Platform): void {
  const [major = 0, minor = 0] = (glibc ?? '').split('.').map(Number);
  if (system === 'linux' && processor === 'x64' && (major > 2 || (major === 2 && minor >= LEAST_GLIBC_MINOR))) return;
  const library = system === 'linux' ? (glibc === undefined ? ' without glibc' : ` with glibc ${glibc}`) : '';
  throw new ProsamError(
    'SETUP_FAILED',
    `wanted Linux on x64 with glibc 2.${LEAST_GLIBC_MINOR} or newer, for which TensorFlow's library is built, got ${system} on ${processor}${library}. ` +
      'Here small models train on the wasm engine, which needs no set-up.',
  );
}

/** The compiler's command: $CXX, or g++. */
export function compiler(): string {
  const chosen = process.env['CXX'];
  return chosen === undefined || chosen === '' ? 'g++' : chosen;
}

/** @throws SETUP_FAILED without a working compiler */
export async function checkCompiler(signal?: AbortSignal): Promise<void> {
  const { code, complaint } = await runTool(compiler(), ['--version'], COMPILER_ADVICE, signal);
  if (code !== 0) throw new ProsamError('SETUP_FAILED', `${compiler()} --version failed: ${complaint}. ${COMPILER_ADVICE}`);
}

/** @throws SETUP_FAILED without Python 3, or without its pip where that is needed */
export async function checkPython(withPip: boolean, signal?: AbortSignal): Promise<void> {
  const args = withPip ? ['-m', 'pip', '--version'] : ['--version'];
  const { code, complaint } = await runTool('python3', args, PYTHON_ADVICE, signal);
  if (code !== 0)
    throw new ProsamError('SETUP_FAILED', `wanted python3 with pip, but python3 ${args.join(' ')} failed: ${complaint}. ${PYTHON_ADVICE}`);
}
