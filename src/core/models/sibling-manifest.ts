/** Weights that come from a model folder are described there better than by their shapes. */
import { readFile, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { SamResize } from '../image/preprocess.ts';
import { manifestJson, samBackboneJson } from '../checkpoint/config-json.ts';
import { parseManifest, type Manifest } from '../checkpoint/manifest.ts';
import { builtInModels, modelFolder } from '../checkpoint/model-paths.ts';

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

/**
 * Facts about a weight file: of the manifest beside it, which knows it by its name or its content; else of a built-in model, which knows it by
 * its content alone. Nothing where neither does, or the manifest is not sound.
 */
export async function saidBeside(path: string, sha256: string): Promise<SaidBeside> {
  const beside = await manifestIn(dirname(path));
  if (beside !== undefined) {
    const role = roleOf(beside, (file) => file === basename(path)) ?? roleOf(beside, (file) => beside.files[file] === sha256);
    if (role !== undefined) return said(beside, role);
  }
  for (const name of builtInModels()) {
    const own = await manifestIn(modelFolder(name));
    const role = own && roleOf(own, (file) => own.files[file] === sha256);
    if (own !== undefined && role !== undefined) return said(own, role);
  }
  return {};
}

async function manifestIn(folder: string): Promise<Manifest | undefined> {
  const place = join(folder, 'manifest.json');
  try {
    return (await stat(place)).size > MAX_BYTES ? undefined : parseManifest(await readFile(place, 'utf8'), place);
  } catch {
    return undefined;
  }
}

type Role = 'sam' | 'backbone' | 'prompt encoder';

function roleOf({ sam, backbone, prompt_encoder: encoder }: Manifest, is: (file: string) => boolean): Role | undefined {
  if (is(sam.file)) return 'sam';
  if ('file' in backbone && is(backbone.file)) return 'backbone';
  return encoder !== undefined && is(encoder.file) ? 'prompt encoder' : undefined;
}

function said(manifest: Manifest, role: Role): SaidBeside {
  const { sam, backbone } = manifest;
  const json = manifestJson(manifest) as { backbone: { config?: unknown }; prompt_encoder?: Record<string, unknown> };
  return {
    resize: sam.resize,
    ...(!('file' in backbone) && { samBackbone: samBackboneJson(backbone) }),
    ...(role === 'sam' && { sam }),
    ...(role === 'backbone' && { backbone: json.backbone.config }),
    ...(role === 'prompt encoder' && json.prompt_encoder && { promptEncoder: json.prompt_encoder }),
  };
}
