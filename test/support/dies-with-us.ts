/** Programs that tests start, and that must not outlive them: not even where the test was killed, or the program stopped. */
import { existsSync } from 'node:fs';

/** Command and arguments of a program that the kernel ends together with this process; as they were on systems that cannot. */
export function dyingWithUs(command: string, args: readonly string[]): [command: string, args: string[]] {
  if (!existsSync('/usr/bin/setpriv')) return [command, [...args]];
  return ['/usr/bin/setpriv', ['--pdeathsig', 'SIGKILL', command, ...args]];
}
