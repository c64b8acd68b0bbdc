/** Models that differ in nothing but the blocks of SAM's image encoder which the prompt encoder reads. */
import { copyFile, link, mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openModel } from '../../core/checkpoint/model-folder.ts';
import { messageOf, ProsamError } from '../../core/errors.ts';
import { modelFolder } from '../../core/runtime/open-engine.ts';
import { writeDurably } from '../checkpoint.ts';

/**
 * One model folder per block of the model's own, and one with all of them, below `folder`. They have no prompt encoder: what
 * is trained on them has the paper's settings.
 * @throws OPTION_INVALID for a model whose backbone is not its own SAM; OUTPUT_FAILED
 */
export async function midBlockVariants(model: string, folder: string): Promise<string[]> {
  const from = modelFolder(model);
  const { manifest } = await openModel(from);
  if ('file' in manifest.backbone) {
    throw new ProsamError(
      'OPTION_INVALID',
      `models: wanted several models with different backbones, got only ${model}. Name their folders, separated by commas.`,
    );
  }
  const { midBlocks } = manifest.backbone;
  const choices = [...midBlocks.map((block) => [block]), [...midBlocks]];
  const distinct = choices.filter((blocks, i) => choices.findIndex((other) => other.join() === blocks.join()) === i);
  const written = JSON.parse(await readFile(join(from, 'manifest.json'), 'utf8')) as Record<string, unknown>;
  const { file } = manifest.sam;
  const folders: string[] = [];
  for (const blocks of distinct) {
    const to = join(folder, `blocks-${blocks.join('-')}`);
    const json = {
      ...written,
      name: `${manifest.name}-blocks-${blocks.join('-')}`,
      files: { [file]: manifest.files[file] },
      backbone: { kind: 'sam', mid_blocks: blocks },
      prompt_encoder: undefined,
      known_answer: undefined,
    };
    try {
      await mkdir(to, { recursive: true });
      // A link costs no space; another disk takes a copy; an earlier call may have left the file.
      await link(join(from, file), join(to, file)).catch(async (error: unknown) => {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') await copyFile(join(from, file), join(to, file));
      });
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
