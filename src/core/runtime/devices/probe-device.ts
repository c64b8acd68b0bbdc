/** Tries a device in a process of its own, so that a driver that crashes or hangs takes nobody down. */
import { fork } from 'node:child_process';
import { childEnvironment } from '../../common/child-environment.ts';
import type { Device } from './devices.ts';
import type { ProbeMetrics } from './probe.ts';

export type ProbeResult = { metrics: ProbeMetrics } | { failed: string };

export interface ProbeOptions {
  /** Milliseconds until a silent probe is given up. @default 30 000 */
  timeoutMs?: number;
  /** The program to run, which answers with a ProbeResult. @default the device probe */
  program?: URL;
}

/** CUDA's first start on a GPU may take ten seconds. */
const PATIENCE_MS = 30_000;

export function probeDevice(device: Device, { timeoutMs = PATIENCE_MS, program = probeFile() }: ProbeOptions = {}): Promise<ProbeResult> {
  return new Promise((resolve) => {
    // Flags of the calling process (--input-type, --test, loaders) are not meant for this one; drivers chat on stderr.
    const child = fork(program, [device], {
      execArgv: [],
      env: childEnvironment(process.env, { groups: ['compute'] }),
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    });
    const settle = (response: ProbeResult): void => {
      clearTimeout(timer);
      child.kill('SIGKILL');
      resolve(response);
    };
    const timer = setTimeout(() => settle({ failed: `it did not answer within ${timeoutMs / 1000} s` }), timeoutMs);
    child.once('message', (response: ProbeResult) => settle(response));
    child.once('error', (error) => settle({ failed: `its probe could not be started: ${error.message}` }));
    child.once('exit', (code, signal) =>
      settle({ failed: `its driver ended the probe with ${signal ?? `exit code ${code ?? 'unknown'}`}` }),
    );
  });
}

/** Beside this file: as source, or as built, which both builds start as an ES module. */
function probeFile(): URL {
  const extension = import.meta.url.endsWith('.ts') ? '.ts' : '.js';
  return new URL(`./device-probe${extension}`, import.meta.url);
}
