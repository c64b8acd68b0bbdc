/** Requirements checked before anything is fetched: a platform TensorFlow is built for, and a compiler. */
import { ProsamError } from '../../core/common/errors.ts';
import { isLinuxX64, platformInWords, type Platform } from '../../setup/platform.ts';
import { runTool } from '../../setup/run-tool.ts';

/** Smallest glibc of the wheels: manylinux_2_27. */
const MIN_GLIBC_MINOR = 27;

export const COMPILER_ADVICE = 'Install a C++17 compiler (Debian, Ubuntu: apt-get install g++; Fedora: dnf install gcc-c++) and repeat.';
/** @throws SETUP_FAILED where the library cannot run */
export function checkPlatform(platform: Platform): void {
  if (isLinuxX64(platform, MIN_GLIBC_MINOR)) return;
  throw new ProsamError(
    'SETUP_FAILED',
    `expected Linux on x64 with glibc 2.${MIN_GLIBC_MINOR} or newer, for which TensorFlow's library is built, got ${platformInWords(platform)}. ` +
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
