/**
 * One folder for everything a test run leaves in the system's temporary one, removed with the run. Programs that tests start keep what
 * Node compiled of them there, so that only the first of them strips types and compiles: a third of the start of a command.
 */
import { join } from 'node:path';
import { folderDyingWithUs } from './support/dies-with-us.ts';

export default function ownTemporaryFolder(): () => Promise<void> {
  const folder = folderDyingWithUs('prosam-run-');
  // The names of all systems; processes of the run inherit them.
  for (const name of ['TMPDIR', 'TMP', 'TEMP']) process.env[name] = folder.path;
  process.env['NODE_COMPILE_CACHE'] = join(folder.path, 'compiled');
  return () => folder.remove();
}
