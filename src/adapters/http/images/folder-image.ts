/** Images below one configured folder, and nothing else of the disk. */
import { constants } from 'node:fs';
import { open, realpath, stat } from 'node:fs/promises';
import { isAbsolute, join, relative, sep, win32 } from 'node:path';
import { ProsamError } from '../../../core/common/errors.ts';

/**
 * path: below the folder, with forward slashes. Links may lead anywhere inside the folder.
 * @throws REQUEST_INVALID for a path that tries to leave, FILE_NOT_FOUND, IMAGE_TOO_LARGE
 */
export async function readFolderImage(folder: string, path: string, maxBytes: number): Promise<Uint8Array> {
  const steps = path.split(/[\\/]/);
  if (path.includes('\0') || isAbsolute(path) || win32.isAbsolute(path) || /^[a-z]:/i.test(path) || steps.includes('..')) {
    throw new ProsamError(
      'REQUEST_INVALID',
      'Expected a path below the image folder, got one that leaves it. Leave out .. and the leading slash.',
    );
  }
  // Where a path cannot be followed is told apart by nobody: not there, no file, not allowed and outside are one answer.
  const root = await realpath(folder).catch(() => missing(path));
  const real = await realpath(join(root, path)).catch(() => missing(path));
  const inside = relative(root, real);
  if (inside === '' || inside === '..' || inside.startsWith(`..${sep}`) || isAbsolute(inside)) return missing(path);
  if (!(await stat(real).catch(() => missing(path))).isFile()) return missing(path);
  // Without waiting, should it have become a pipe; without following, should it have become a link.
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  const file = await open(real, flags).catch(() => missing(path));
  try {
    const [opened, there] = [await file.stat(), await stat(await realpath(join(root, path)).catch(() => missing(path)))];
    if (!opened.isFile() || opened.ino !== there.ino || opened.dev !== there.dev) return missing(path);
    if (opened.size > maxBytes) {
      throw new ProsamError(
        'IMAGE_TOO_LARGE',
        `${shown(path)}: expected at most ${maxBytes} bytes, got ${opened.size}. Shrink the image or raise the limit.`,
      );
    }
    const bytes = Buffer.alloc(opened.size);
    const { bytesRead } = await file.read(bytes, 0, opened.size, 0);
    return bytes.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

function missing(path: string): never {
  throw new ProsamError('FILE_NOT_FOUND', `${shown(path)}: no such file below the image folder. Check the path.`);
}

function shown(path: string): string {
  return JSON.stringify(path.slice(0, 200));
}
