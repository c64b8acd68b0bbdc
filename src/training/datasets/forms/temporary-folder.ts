/** A folder for images that data keep inside other files; it goes when the process ends. */
import { rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export async function ownTemporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'prosam-images-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
