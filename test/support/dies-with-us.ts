/** Programs and folders of tests, which must not outlive them: not even where the test was killed, or the program stopped. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * Command and arguments of a program that the kernel ends together with this process; as they were on systems that cannot.
 * A program that becomes another user does so first: that change takes the promise back.
 */
export function dyingWithUs(command: string, args: readonly string[]): [command: string, args: string[]] {
  if (!existsSync('/usr/bin/setpriv')) return [command, [...args]];
  return ['/usr/bin/setpriv', ['--pdeathsig', 'SIGKILL', command, ...args]];
}

/** Ends what is left of a program's group (it was started `detached`) once the program has ended, or this process is gone. */
export function groupDyingWithUs(leader: ChildProcess): void {
  if (leader.pid === undefined) return;
  const end = afterUs('kill -s KILL -- "-$0"', String(leader.pid));
  leader.once('exit', () => void end());
}

export interface OwnFolder {
  path: string;
  remove(): Promise<void>;
}

/** A temporary folder that goes when this process does, whatever ends it. Other users, such as that of Postgres, may enter it. */
export function folderDyingWithUs(prefix: string): OwnFolder {
  const path = mkdtempSync(join(tmpdir(), prefix));
  chmodSync(path, 0o711);
  // Programs of a killed process end a little later, and may make it once more before they do.
  const end = afterUs('for i in $(seq 120); do rm -rf "$0"; [ "$told" = remove ] && [ ! -e "$0" ] && break; sleep 1; done', path);
  return {
    path,
    async remove() {
      await end();
      rmSync(path, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

/** A shell that hears of the end of this process by its standard input, and then does something; resolves once it did so earlier. */
function afterUs(script: string, argument: string): () => Promise<void> {
  if (process.platform === 'win32') return () => Promise.resolve();
  const guard = spawn('sh', ['-c', `read told; ${script}`, argument], { stdio: ['pipe', 'ignore', 'ignore'], detached: true });
  const gone = once(guard, 'exit');
  guard.unref();
  (guard.stdin as unknown as Socket).unref();
  return async () => {
    guard.ref();
    guard.stdin.end('remove\n');
    await gone;
  };
}
