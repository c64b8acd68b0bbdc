/** Other programs, run to their end: pip, the compiler, Node itself. */
import { execFile } from 'node:child_process';
import { childEnvironment } from '../core/common/child-environment.ts';
import { ProsamError } from '../core/common/errors.ts';

export interface ToolRun {
  /** 0 when it succeeded. */
  code: number;
  stdout: string;
  /** The last lines that say something. */
  complaint: string;
}

const MAX_OUTPUT = 64 * 2 ** 20;
const LAST_LINES = 8;

/**
 * @param advice what to do where the program is not installed
 * @throws SETUP_FAILED where it is not installed; the signal's reason when aborted
 */
export function runTool(command: string, args: readonly string[], advice: string, signal?: AbortSignal): Promise<ToolRun> {
  return new Promise((done, fail) => {
    const env = childEnvironment(process.env, { groups: ['compute', 'network', 'python'] });
    execFile(command, args, { maxBuffer: MAX_OUTPUT, env, ...(signal && { signal }) }, (error, stdout, stderr) => {
      if (signal?.aborted) {
        fail(signal.reason as Error);
        return;
      }
      if (error?.code === 'ENOENT' || error?.code === 'EACCES') {
        fail(new ProsamError('SETUP_FAILED', `expected to run ${command}, but it is not installed. ${advice}`, { cause: error }));
        return;
      }
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : -1;
      done({ code, stdout, complaint: lastLines(`${stdout}\n${stderr}\n${error?.signal ? `ended by ${error.signal}` : ''}`) });
    });
  });
}

function lastLines(text: string): string {
  const lines = text.split('\n').map((line) => line.trim());
  return lines
    .filter((line) => line !== '')
    .slice(-LAST_LINES)
    .join('\n  ');
}
