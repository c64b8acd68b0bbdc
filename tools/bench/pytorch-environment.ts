/** PyTorch for the benches: a Python that has it, and what it runs best with. */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { dyingWithUs } from '../../test/support/dies-with-us.ts';

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
  /** Folder of the virtual environment for later runs. @default a folder of the system's temporary one */
  cache?: string | undefined;
}

/** -> path of a Python that can import torch; sets up a virtual environment where none is there (some minutes, some gigabytes). */
export function pythonWithPytorch({ python, cache = join(tmpdir(), 'prosam-bench-pytorch') }: PytorchOptions): string {
  if (python !== undefined) {
    if (!hasTorch(python)) throw new Error(`--python: wanted a Python that can import torch, ${python} cannot`);
    return python;
  }
  const own = join(cache, process.platform === 'win32' ? 'Scripts/python.exe' : 'bin/python');
  if (existsSync(own) && hasTorch(own)) return own;
  console.log(`setting up PyTorch in ${cache} (once; some minutes) ...`);
  const run = (program: string, ...args: string[]): void => {
    execFileSync(...dyingWithUs(program, args), { stdio: ['ignore', 'ignore', 'inherit'] });
  };
  run(process.platform === 'win32' ? 'python' : 'python3', '-m', 'venv', cache);
  run(own, '-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', 'torch', 'torchvision', 'numpy', 'setuptools', 'wheel'); // without numpy it warns at every start
  // Meta's SAM 2; its build asks for the torch that is there.
  run(own, '-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--no-build-isolation', 'sam2');
  if (!hasTorch(own)) throw new Error(`PyTorch was installed into ${cache} and cannot be imported`);
  return own;
}

function hasTorch(python: string): boolean {
  try {
    execFileSync(...dyingWithUs(python, ['-c', 'import torch']), { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
