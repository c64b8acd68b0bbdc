/** Weights that come from a model folder are described there better than by their shapes. */
import { readFile, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { SamResize } from '../image/preprocess.ts';
import { manifestJson, samBackboneJson } from '../checkpoint/config-json.ts';
import { parseManifest, type Manifest } from '../checkpoint/manifest.ts';

/** Facts from the manifest beside a weight file. */
export interface SaidBeside {
  sam?: Omit<Manifest['sam'], 'file'>;
  /** The backbone's configuration as JSON. */
  backbone?: unknown;
  /** The prompt encoder's section as JSON. */
  promptEncoder?: Record<string, unknown>;
  /** Resizing of images there. */
  resize?: SamResize;
  /** SAM as the backbone there, as JSON. */
  samBackbone?: Record<string, unknown>;
}

const MAX_BYTES = 1_000_000;

/** Nothing where there is no manifest, or one that is not sound or speaks of other files. */
export async function saidBeside(path: string): Promise<SaidBeside> {
  const file = basename(path);
  const place = join(dirname(path), 'manifest.json');
  let manifest: Manifest;
  try {
    if ((await stat(place)).size > MAX_BYTES) return {};
    manifest = parseManifest(await readFile(place, 'utf8'), place);
  } catch {
    return {};
  }
  const { sam, backbone, prompt_encoder: encoder } = manifest;
  const json = manifestJson(manifest) as { backbone: { config?: unknown }; prompt_encoder?: Record<string, unknown> };
  const own = 'file' in backbone ? undefined : backbone;
  if (![sam.file, 'file' in backbone && backbone.file, encoder?.file].includes(file)) return {};
  return {
    resize: sam.resize,
    ...(own && { samBackbone: samBackboneJson(own) }),
    ...(sam.file === file && { sam }),
    ...('file' in backbone && backbone.file === file && { backbone: json.backbone.config }),
    ...(encoder?.file === file && json.prompt_encoder && { promptEncoder: json.prompt_encoder }),
  };
}
