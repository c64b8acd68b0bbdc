/** One folder for everything a test run leaves in the system's temporary one, removed with the run. */
import { folderDyingWithUs } from './support/dies-with-us.ts';

export default function ownTemporaryFolder(): () => Promise<void> {
  const folder = folderDyingWithUs('prosam-run-');
  // The names of all systems; processes of the run inherit them.
  for (const name of ['TMPDIR', 'TMP', 'TEMP']) process.env[name] = folder.path;
  return () => folder.remove();
}
