/**
 * Folder of the CUDA provider. ONNX Runtime looks beside its own library and nowhere else, and a package folder is wiped by every
 * `npm ci`. So `prosam setup cuda` puts the provider, what it needs, and a copy of ONNX Runtime's library into a folder of the user,
 * and that copy is loaded before the package requests the library by the same name.
 */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { constants, homedir } from 'node:os';
import { dirname, join } from 'node:path';

export const CORE_LIBRARY = 'libonnxruntime.so.1';

/** glibc's: the library stays although Node, which expects an addon, turns away and closes it. */
const RTLD_NODELETE = 0x1000;

/** Root folder and version of the installed onnxruntime-node. */
export function onnxRuntimePackage(): { root: string; version: string } {
  const file = createRequire(import.meta.url).resolve('onnxruntime-node/package.json');
  const { version } = JSON.parse(readFileSync(file, 'utf8')) as { version: string };
  return { root: dirname(file), version };
}

/** Folder of the package's native files for this platform. */
export function packageLibraries(root = onnxRuntimePackage().root): string {
  return join(root, 'bin', 'napi-v6', process.platform, process.arch);
}

/** $PROSAM_CUDA_DIR; else a folder of the version in $XDG_DATA_HOME/prosam, or in ~/.local/share/prosam. */
export function cudaFolder(version = onnxRuntimePackage().version): string {
  const given = process.env['PROSAM_CUDA_DIR'];
  if (given !== undefined && given !== '') return given;
  const home = process.env['XDG_DATA_HOME'];
  return join(home === undefined || home === '' ? join(homedir(), '.local', 'share') : home, 'prosam', `cuda-${version}`);
}

/** The folder, where a set-up for exactly the installed package came to its end. */
export function readyCudaFolder(): string | undefined {
  if (process.platform !== 'linux') return undefined;
  const folder = cudaFolder();
  const [own, copied] = [join(packageLibraries(), CORE_LIBRARY), join(folder, CORE_LIBRARY)];
  const size = (file: string): number | undefined => statSync(file, { throwIfNoEntry: false })?.size;
  return size(copied) !== undefined && size(copied) === size(own) ? folder : undefined;
}

/** The file a device's provider is in, if it is one of those that come as a file of their own. */
export function providerFile(device: 'cuda' | 'tensorrt'): string | undefined {
  const name = process.platform === 'win32' ? `onnxruntime_providers_${device}.dll` : `libonnxruntime_providers_${device}.so`;
  return [readyCudaFolder(), packageLibraries()]
    .flatMap((folder) => folder ?? [])
    .map((folder) => join(folder, name))
    .find(existsSync);
}

/**
 * Loads a library for good, by path or by the name the system's loader knows it by.
 *
 * @returns why it could not be loaded
 */
export function loadLibrary(pathOrName: string): string | undefined {
  try {
    process.dlopen({ exports: {} }, pathOrName, constants.dlopen.RTLD_NOW | RTLD_NODELETE);
    return undefined;
  } catch (error) {
    const { message } = error as Error;
    // What was loaded but is no addon ends up here too.
    return message.includes('did not self-register') ? undefined : message;
  }
}

/** Must come before the package is loaded; does nothing where CUDA was not set up. */
export function preferCudaFolder(): void {
  const folder = readyCudaFolder();
  if (folder !== undefined) loadLibrary(join(folder, CORE_LIBRARY));
}
