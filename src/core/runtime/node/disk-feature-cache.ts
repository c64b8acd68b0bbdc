/** Image features on disk, one safetensors file for each part of an image, within a budget of bytes. */
import { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { SlowCache } from '../../common/patient-slow-cache.ts';
import { floatsFromTensor, parseSafetensors, safetensorsBytes, tensorToWrite } from '../../checkpoint/formats/safetensors.ts';
import type { Notice } from '../../common/notice.ts';
import type { EncodedPart } from '../../engine/image-features.ts';
import type { Tensor } from '../../onnx/session.ts';

/** End of the names of its files. */
export const FEATURES_SUFFIX = '.features';
/** The folder is measured again after this many new bytes (as a share of the budget). */
const SWEEP_SHARE = 1 / 16;

export function diskFeatureCache(folder: string, maxBytes: number): SlowCache<EncodedPart> {
  let sinceSweep = Infinity;
  let unique = 0;
  const pathOf = (key: string): string => join(folder, `${key}${FEATURES_SUFFIX}`);
  return {
    async get(key) {
      const bytes = await readFile(pathOf(key)).catch(() => undefined);
      if (bytes === undefined) return undefined;
      const now = new Date();
      await utimes(pathOf(key), now, now).catch(() => undefined); // used now: it goes last
      return partFromBytes(bytes);
    },
    async put(key, value) {
      await mkdir(folder, { recursive: true });
      const bytes = bytesOfPart(value);
      const temporary = join(folder, `.${key}.${process.pid}.${unique++}.tmp`);
      await writeFile(temporary, bytes);
      await rename(temporary, pathOf(key));
      sinceSweep += bytes.byteLength;
      if (sinceSweep < maxBytes * SWEEP_SHARE) return;
      sinceSweep = 0;
      await sweep(folder, maxBytes);
    },
    async remove(matches) {
      for (const name of await readdir(folder).catch(() => [])) if (matches(name)) await rm(join(folder, name), { force: true });
    },
  };
}

/** Deletes the least recently used files until the rest fits. */
async function sweep(folder: string, maxBytes: number): Promise<void> {
  const names = (await readdir(folder)).filter((name) => name.endsWith(FEATURES_SUFFIX));
  const files = await Promise.all(
    names.map(async (name) => {
      const info = await stat(join(folder, name)).catch(() => undefined);
      return { name, size: info?.size ?? 0, used: info?.mtimeMs ?? 0 };
    }),
  );
  files.sort((a, b) => b.used - a.used);
  let total = 0;
  for (const { name, size } of files) {
    total += size;
    if (total > maxBytes) await rm(join(folder, name), { force: true });
  }
}

/** Rule by which image files become pixels; features made by another are made again. */
const RULE = '2';

function bytesOfPart({ width, height, notices = [], tensors }: EncodedPart): Uint8Array {
  const written = Object.entries(tensors).map(([name, { data, shape }]) => [name, tensorToWrite(data, shape)] as const);
  return safetensorsBytes(Object.fromEntries(written), {
    ...{ width: String(width), height: String(height), rule: RULE },
    ...(notices.length > 0 && { notices: JSON.stringify(notices) }),
  });
}

/** A damaged file throws, which counts as a miss. */
function partFromBytes(bytes: Uint8Array): EncodedPart {
  const { tensors, metadata } = parseSafetensors(bytes, 'cached features');
  const [width, height] = [Number(metadata['width']), Number(metadata['height'])];
  if (!(width > 0 && height > 0) || metadata['rule'] !== RULE) throw new Error('incomplete features, or of another rule');
  const notices = metadata['notices'] === undefined ? undefined : (JSON.parse(metadata['notices']) as Notice[]);
  const read = [...tensors].map(([name, entry]): [string, Tensor] => [
    name,
    { data: floatsFromTensor(entry, bytes.subarray(entry.offset, entry.offset + entry.byteLength), name), shape: entry.shape },
  ]);
  return { width, height, ...(notices && { notices }), tensors: Object.fromEntries(read) };
}
