/** Report of `prosam doctor` on the machine: versions, processor, memory, GPUs, folders. Nothing here may fail or hang. */
import { execFile } from 'node:child_process';
import { childEnvironment } from '../../core/common/child-environment.ts';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { availableParallelism, cpus, freemem, release, totalmem } from 'node:os';
import { dirname, resolve } from 'node:path';
import { modelFolder, modelsFolder } from '../../core/checkpoint/model-paths.ts';
import { cudaFolder, onnxRuntimePackage } from '../../core/runtime/devices/provider-folder.ts';
import { codeVersion } from '../../server/version.ts';
import { defaultCacheDir } from '../../training/setup/library.ts';

export interface MachineReport {
  node: string;
  prosam: string;
  onnxruntime: string;
  system: string;
  processor: { model: string; cores: number; instructions: string[] };
  /** Bytes. `limit`: of the container or control group, where there is one. */
  memory: { total: number; free: number; limit?: number };
  /** GPUs as nvidia-smi lists them: name, driver, memory. */
  nvidia: string[];
  /** Names of the installed Vulkan drivers, with or without a GPU. */
  vulkanDrivers: string[];
  /** Folders with the free bytes of their file systems. */
  folders: { what: string; path: string; exists: boolean; free: number | undefined }[];
}

/** Instruction sets that make matrix products fast. */
const INSTRUCTIONS = ['avx', 'avx2', 'fma', 'avx512f', 'avx512_vnni', 'avx_vnni', 'amx_int8', 'asimd', 'asimddp', 'sve', 'i8mm'];
const VULKAN_FOLDERS = ['/usr/share/vulkan/icd.d', '/etc/vulkan/icd.d', '/usr/local/share/vulkan/icd.d'];
const TIMEOUT_MS = 5000;

export async function machineReport(model: string): Promise<MachineReport> {
  const limit = process.constrainedMemory();
  const folders = [...placeOf(model), { what: 'models', path: modelsFolder() }, { what: 'cache', path: defaultCacheDir() }, ...cudaPlace()];
  return {
    node: process.versions.node,
    prosam: codeVersion(),
    onnxruntime: onnxRuntimeVersion(),
    system: `${process.platform} ${release()} on ${process.arch}`,
    processor: { model: cpus()[0]?.model.trim() ?? 'unknown', cores: availableParallelism(), instructions: instructions() },
    memory: { total: totalmem(), free: freemem(), ...(limit > 0 && limit < totalmem() && { limit }) },
    nvidia: await nvidiaGpus(),
    vulkanDrivers: vulkanDrivers(),
    folders: await Promise.all(
      folders.map(async (folder) => ({ ...folder, exists: existsSync(folder.path), free: await freeBytes(folder.path) })),
    ),
  };
}

function onnxRuntimeVersion(): string {
  try {
    return onnxRuntimePackage().version;
  } catch {
    return 'not installed';
  }
}

function cudaPlace(): { what: string; path: string }[] {
  try {
    return [{ what: 'CUDA', path: cudaFolder() }];
  } catch {
    return [];
  }
}

/** Folder of a model; none where it is missing, which is reported when it is opened. */
function placeOf(model: string): { what: string; path: string }[] {
  try {
    return [{ what: 'model', path: resolve(modelFolder(model)) }];
  } catch {
    return [];
  }
}

function instructions(): string[] {
  try {
    const flags = /^(?:flags|Features)\s*:(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1]?.trim().split(/\s+/) ?? [];
    return INSTRUCTIONS.filter((name) => flags.includes(name));
  } catch {
    return [];
  }
}

function nvidiaGpus(): Promise<string[]> {
  const args = ['--query-gpu=name,driver_version,memory.total', '--format=csv,noheader'];
  return new Promise((done) => {
    const env = childEnvironment(process.env, { groups: ['compute'] });
    execFile('nvidia-smi', args, { env, timeout: TIMEOUT_MS, killSignal: 'SIGKILL' }, (error, stdout) => {
      done(
        error
          ? []
          : stdout
              .split('\n')
              .map((line) => line.trim())
              .filter((line) => line !== ''),
      );
    });
  });
}

function vulkanDrivers(): string[] {
  const files = VULKAN_FOLDERS.flatMap((folder) => {
    try {
      return readdirSync(folder);
    } catch {
      return [];
    }
  });
  return [...new Set(files.flatMap((name) => /^(.*?)(?:_icd)?(?:\.\w+)?\.json$/.exec(name)?.[1] ?? []))];
}

/** Free bytes of the file system of the nearest folder that exists. */
async function freeBytes(path: string): Promise<number | undefined> {
  for (let at = path; ; at = dirname(at)) {
    if (existsSync(at))
      return statfs(at).then(
        ({ bavail, bsize }) => bavail * bsize,
        () => undefined,
      );
    if (dirname(at) === at) return undefined;
  }
}
