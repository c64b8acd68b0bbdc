/** CVAT's own Python packages in a virtual environment of the cache, for tests that run them for real. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { dyingWithUs } from '../../support/dies-with-us.ts';

const run = promisify(execFile);
const VERSION = '2.80.0';
const FOLDER = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'prosam', `cvat-${VERSION}`);
const READY = join(FOLDER, 'ready');
/** A registry that does not answer must not hold the tests up for long. */
const INSTALL_MS = 100_000;

export interface PythonTools {
  python: string;
  cli: string;
}

/** undefined where Python or the registry is missing. */
export async function pythonTools(): Promise<PythonTools | undefined> {
  const tools = { python: join(FOLDER, 'bin', 'python'), cli: join(FOLDER, 'bin', 'cvat-cli') };
  if (existsSync(READY)) return tools;
  try {
    await run(...dyingWithUs('python3', ['-m', 'venv', '--clear', FOLDER]), { timeout: INSTALL_MS });
    const packages = [`cvat-cli==${VERSION}`, `cvat-sdk[masks]==${VERSION}`];
    await run(...dyingWithUs(tools.python, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', ...packages]), {
      timeout: INSTALL_MS,
    });
    await run('touch', [READY]);
    return tools;
  } catch {
    return undefined;
  }
}

export async function ask(tool: string, args: readonly string[], environment: Readonly<Record<string, string>> = {}, cwd?: string) {
  const { stdout, stderr } = await run(...dyingWithUs(tool, args), {
    env: { ...process.env, ...environment },
    timeout: 100_000,
    maxBuffer: 2 ** 26,
    ...(cwd !== undefined && { cwd }),
  });
  return { stdout, stderr };
}
