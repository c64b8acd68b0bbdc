/** The built-in model as a published SAM is on its first day: nothing was ever trained for it. */
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const TINY = 'models/tiny';
const SAM = 'sam.safetensors';

/** -> its folder */
export function modelWithoutEncoder(folder: string): string {
  const { files, sam, backbone, ...rest } = JSON.parse(readFileSync(join(TINY, 'manifest.json'), 'utf8')) as {
    format: string;
    license?: string;
    licence?: string;
    files: Record<string, string>;
    sam: unknown;
    backbone: unknown;
  };
  mkdirSync(folder, { recursive: true });
  copyFileSync(join(TINY, SAM), join(folder, SAM));
  const manifest = {
    format: rest.format,
    name: 'untrained',
    license: rest.license ?? rest.licence,
    files: { [SAM]: files[SAM] },
    sam,
    backbone,
  };
  writeFileSync(join(folder, 'manifest.json'), JSON.stringify(manifest));
  return folder;
}
