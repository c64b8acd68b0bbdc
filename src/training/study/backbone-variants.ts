/** Models that differ in nothing but the blocks of SAM's image encoder which the prompt encoder reads. */
import { copyFile, link, mkdir, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { namedSources } from '../../core/checkpoint/checkpoint.ts';
import { openModel } from '../../core/checkpoint/model-folder.ts';
import { messageOf, ProsamError } from '../../core/common/errors.ts';
import { modelFolder } from '../../core/runtime/node/open-engine.ts';
import { temporaryBeside, writeDurably } from '../../core/files/write-file.ts';

/**
 * One model folder per block of the model's own, and one with all of them, below `folder`. They have no prompt encoder: what
 * is trained on them has the paper's settings.
 * @throws OPTION_INVALID for a model whose backbone is not its own SAM; OUTPUT_FAILED
 */
export async function midBlockVariants(model: string, folder: string): Promise<string[]> {
  const from = modelFolder(model);
  const { manifest, sam } = await openModel(from);
  if ('file' in manifest.backbone) {
    throw new ProsamError(
      'OPTION_INVALID',
      `models: expected several models with different backbones, got only ${model}. Name their folders, separated by commas.`,
    );
  }
  if (!('midBlocks' in manifest.backbone))
    throw new ProsamError(
      'OPTION_INVALID',
      `models: expected a model whose backbone is blocks of its SAM (mid_blocks), but ${model} takes taps. Name several models.`,
    );
  const { midBlocks } = manifest.backbone;
  const choices = [...midBlocks.map((block) => [block]), [...midBlocks]];
  const distinct = choices.filter((blocks, i) => choices.findIndex((other) => other.join() === blocks.join()) === i);
  const written = JSON.parse(await readFile(join(from, 'manifest.json'), 'utf8')) as Record<string, unknown>;
  const files = namedSources(sam, manifest.sam.file);
  const { locations = {} } = manifest;
  const staying = files.filter(({ name }) => Object.hasOwn(locations, name));
  const folders: string[] = [];
  for (const blocks of distinct) {
    const to = join(folder, `blocks-${blocks.join('-')}`);
    const json = {
      ...written,
      name: `${manifest.name}-blocks-${blocks.join('-')}`,
      files: Object.fromEntries(files.map(({ name }) => [name, manifest.files[name]])),
      locations: staying.length > 0 ? Object.fromEntries(staying.map(({ name }) => [name, locations[name]])) : undefined,
      backbone: { kind: 'sam', mid_blocks: blocks },
      prompt_encoder: undefined,
      known_answer: undefined,
    };
    try {
      await mkdir(to, { recursive: true });
      for (const one of files) {
        if (staying.includes(one)) continue;
        // A link costs no space; another disk takes a copy; an earlier call may have left the file.
        await link(one.path, join(to, one.name)).catch(async (error: unknown) => {
          if ((error as NodeJS.ErrnoException).code === 'EEXIST') return;
          const copy = temporaryBeside(join(to, one.name));
          await copyFile(one.path, copy);
          await rename(copy, join(to, one.name));
        });
      }
      await writeDurably(join(to, 'manifest.json'), `${JSON.stringify(json, null, 2)}\n`);
    } catch (cause) {
      throw new ProsamError('OUTPUT_FAILED', `${to}: cannot be written: ${messageOf(cause)}. Free some space or use another folder.`, {
        cause,
      });
    }
    folders.push(to);
  }
  return folders;
}
