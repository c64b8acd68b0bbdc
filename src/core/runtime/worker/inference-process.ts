/** One worker process from its start to its end, as seen by the process that asks. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { constants, setPriority } from 'node:os';
import { dirname } from 'node:path';
import type { Duplex } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { messageOf } from '../../common/errors.ts';
import { createWorkerLink, type WorkerLink } from './ipc-channel.ts';
import { WORKER_FLAGS, workerEnvironment } from './memory.ts';
import type { FromWorker, ToWorker } from './protocol.ts';

export interface InferenceProcess extends WorkerLink<ToWorker> {
  /** Absent where it could not be started. */
  readonly pid: number | undefined;
  /** At once, whatever it does. */
  kill(): void;
}

export interface InferenceProcessOptions {
  /** Folder of relative paths, if it still exists. */
  folder: string | undefined;
  lowPriority: boolean;
  /** Size from which its pieces of memory go back to the system at once, in bytes. */
  mappedFrom: number;
  onMessage: (message: FromWorker) => void;
  /** Once, after its last message. how: 'was killed by SIGSEGV', 'ended with exit code 1', ... */
  onEnd: (how: string) => void;
}

/** A third of the time where others want it. Windows knows classes only. */
const LOW_PRIORITY = process.platform === 'win32' ? constants.priority.PRIORITY_BELOW_NORMAL : 5;

/** It keeps nobody's process alive, and ends with this one. */
export function startInferenceProcess({ folder, lowPriority, mappedFrom, onMessage, onEnd }: InferenceProcessOptions): InferenceProcess {
  // Flags of this process (--input-type, --test, loaders) are not passed on. Whatever a library prints there goes to stderr: the
  // standard output belongs to the program that asks.
  const child = spawn(process.execPath, [...WORKER_FLAGS, workerFile()], {
    stdio: ['ignore', 2, 2, 'overlapped'],
    env: workerEnvironment(mappedFrom),
    windowsHide: true,
    // A folder that has been deleted is no place to start in; what is named by its whole path is still found.
    cwd: folder !== undefined && existsSync(folder) ? folder : dirname(process.execPath),
  });
  let ended = false;
  const end = (how: string): void => {
    if (ended) return;
    ended = true;
    onEnd(how);
  };
  child.on('error', (error) => end(`could not be started: ${messageOf(error)}`));
  child.on('close', (code, signal) => end(signal === null ? `ended with exit code ${code}` : `was killed by ${signal}`));
  // Told by the error.
  if (child.pid === undefined) return { pid: undefined, send: nothing, flushed: () => Promise.resolve(), kill: nothing };
  child.unref();
  if (lowPriority) lower(child.pid);
  const pipe = child.stdio[3] as Duplex & { unref?(): void };
  pipe.unref?.();
  return {
    ...createWorkerLink<ToWorker>(pipe, { onMessage: (message) => onMessage(message as FromWorker) }),
    pid: child.pid,
    kill: () => void child.kill('SIGKILL'),
  };
}

function nothing(): void {
  // There is nobody to do it for.
}

/** Before it has started a thread, as those take over what they find. */
function lower(pid: number): void {
  try {
    setPriority(pid, LOW_PRIORITY);
  } catch {
    // Not allowed here: it computes all the same.
  }
}

/** Beside this file: as source, or as built, which both builds start as an ES module. */
function workerFile(): string {
  const extension = import.meta.url.endsWith('.ts') ? '.ts' : '.js';
  return fileURLToPath(new URL(`./inference-worker${extension}`, import.meta.url));
}
