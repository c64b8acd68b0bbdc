/** PyTorch for the benches: a Python that has it, and what it runs best with. */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { dyingWithUs } from '../../../test/support/dies-with-us.ts';

/**
 * PyTorch at its best: freed memory stays in the process, for fresh pages cost it a tenth; and threads that wait do not spin,
 * for that would double its CPU time.
 */
export const PYTORCH_ENVIRONMENT = {
  OMP_WAIT_POLICY: 'PASSIVE',
  MALLOC_MMAP_THRESHOLD_: String(2 ** 25),
  MALLOC_TRIM_THRESHOLD_: String(2 ** 33),
  MALLOC_TOP_PAD_: String(2 ** 26),
};

export interface PytorchOptions {
  /** A Python that has PyTorch. @default one that is set up in `cache` */
  python?: string | undefined;
  /** Whether Meta's SAM 2 is needed, too. @default false */
  sam2?: boolean;
  /** Folder of the virtual environment for later runs. @default a folder of the system's temporary one */
  cache?: string | undefined;
}

/** -> path of a Python that can import torch and `sam2`, where that is asked for; sets up a virtual environment where none is there (some minutes, some gigabytes). */
export function pythonWithPytorch({ python, cache = join(tmpdir(), 'prosam-bench-pytorch'), sam2 = false }: PytorchOptions): string {
  const modules = sam2 ? 'torch, sam2' : 'torch';
  if (python !== undefined) {
    if (!imports(python, modules)) throw new Error(`--python: expected a Python that can import ${modules}, ${python} cannot`);
    return python;
  }
  const own = join(cache, process.platform === 'win32' ? 'Scripts/python.exe' : 'bin/python');
  if (existsSync(own) && imports(own, modules)) return own;
  console.log(`setting up PyTorch in ${cache} (once; some minutes) ...`);
  const run = (program: string, ...args: string[]): void => {
    execFileSync(...dyingWithUs(program, args), { stdio: ['ignore', 'ignore', 'inherit'] });
  };
  run(process.platform === 'win32' ? 'python' : 'python3', '-m', 'venv', cache);
  run(own, '-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', 'torch', 'torchvision', 'numpy', 'setuptools', 'wheel'); // without numpy it warns at every start
  // Meta's SAM 2; its build asks for the torch that is there.
  run(own, '-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--no-build-isolation', 'sam2');
  if (!imports(own, modules)) throw new Error(`${modules}: installed into ${cache}, but not to be imported`);
  return own;
}

function imports(python: string, modules: string): boolean {
  try {
    execFileSync(...dyingWithUs(python, ['-c', `import ${modules}`]), { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
