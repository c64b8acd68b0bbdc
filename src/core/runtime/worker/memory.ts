/** Flags and environment that keep the inference process small: it makes few objects, and arrays that are large and soon over. */
import { setTimeout } from 'node:timers/promises';
import { childEnvironment } from '../../common/child-environment.ts';
import { modelFolder } from '../../checkpoint/model-paths.ts';
import { readManifestText } from '../../checkpoint/manifest-text.ts';
import { DEFAULT_MODEL } from '../../engine/defaults.ts';

/** For Node: objects are collected after every 2 MiB of them, as each may keep a large array alive. By default it lets 32 MiB and more pile up. */
export const WORKER_FLAGS: readonly string[] = ['--max-semi-space-size=2'];

const MEBIBYTE = 2 ** 20;
/** For SAM's ViT, whose global attention takes and leaves hundreds of megabytes: 1.3 GB instead of 1.6 GB after ten images (ViT-B with ResNet-50). */
const MAPPED_FROM_VIT = MEBIBYTE;
/**
 * For trunks of many small maps, where mapping each costs 6 to 15 % of the time and saves some 60 MB (SAM 2.1 tiny 1.8 to 1.9 s instead of 2.1 s an
 * image, MobileSAM 0.71 to 0.80 s instead of 0.78 to 0.83 s). glibc takes no more than 32 MiB.
 */
const MAPPED_FROM = 16 * MEBIBYTE;

/**
 * Size from which the worker's pieces of memory go back to the system at once, in bytes. model: as in EngineOptions.
 * withinMs: longest time to look at the model, which may lie where nothing answers.
 */
export async function mappedFromBytes(model: string = DEFAULT_MODEL, withinMs?: number): Promise<number> {
  const late = withinMs === undefined ? [] : [setTimeout(withinMs, MAPPED_FROM_VIT, { ref: false })];
  // What is wrong with the model is said by the worker, which opens it.
  return Promise.race([mappedFromOf(model).catch(() => MAPPED_FROM_VIT), ...late]);
}

/** By the manifest's own words: its schema would be loaded before the worker is even started. */
async function mappedFromOf(model: string): Promise<number> {
  const { text } = await readManifestText(modelFolder(model));
  const { sam } = JSON.parse(text) as { sam: { config?: { image_encoder?: string }; encoder?: { kind?: string } } };
  const trunk = sam.encoder?.kind ?? sam.config?.image_encoder ?? 'vit';
  return trunk === 'vit' ? MAPPED_FROM_VIT : MAPPED_FROM;
}

/**
 * Environment of a worker, as its parent sets it: what computing needs, and no secret. Allocator settings of the user are kept.
 *
 * glibc by itself keeps most of what a network's steps take between them. Here every large piece goes back to the system when it is
 * free, and huge pages make that nearly free of charge; and few threads take memory, so that one heap with its leftovers is
 * enough. Other C libraries do not read it.
 */
export function workerEnvironment(mappedFrom: number, own: NodeJS.ProcessEnv = process.env): NodeJS.ProcessEnv {
  const chosen = Object.keys(own).some((name) => name === 'GLIBC_TUNABLES' || name.startsWith('MALLOC_'));
  const tunables = [`mmap_threshold=${mappedFrom}`, 'hugetlb=1', 'arena_max=1'].map((tunable) => `glibc.malloc.${tunable}`);
  return {
    ...childEnvironment(own, { groups: ['compute'] }),
    ...(!chosen && { GLIBC_TUNABLES: tunables.join(':') }),
    ELECTRON_RUN_AS_NODE: '1',
  };
}
