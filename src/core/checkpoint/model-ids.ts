/** The names a model goes by: the same in Node and in a browser, or caches and stored results would not know each other. */
import { sha256Hex } from '../common/sha256.ts';
import type { Manifest } from './manifest.ts';

export interface ModelIds {
  /** Name and content hash; changes whenever any weight or setting changes. */
  id: string;
  /** Stands for everything that shapes an image's features; the same for all prompt encoders of one SAM and backbone. */
  encoderId: string;
}

/** text: the manifest as it is written. shards: names of the files that lists of shards stand for. */
export async function modelIds(manifest: Manifest, text: string, shards: readonly string[] = []): Promise<ModelIds> {
  const frozen = {
    sam: manifest.sam,
    backbone: manifest.backbone,
    files: [...[manifest.sam.file, 'file' in manifest.backbone && manifest.backbone.file], ...shards].map(
      (file) => file && manifest.files[file],
    ),
  };
  return { id: `${manifest.name}@${await shortHash(text)}`, encoderId: await shortHash(JSON.stringify(frozen)) };
}

async function shortHash(text: string): Promise<string> {
  return (await sha256Hex(text)).slice(0, 12);
}
