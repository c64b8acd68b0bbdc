/** Decision what COCO's crowds are read as. */
import type { CocoFile } from './coco-annotations.ts';
import type { OpenDatasetOptions } from './options.ts';
import type { Tally } from './tally.ts';

/** Crowds are ignored, unless they are asked for or there is nothing else: some tools write every brush mask as a crowd. */
export function decideCrowds(
  files: readonly CocoFile[],
  tally: Tally,
  { crowds }: OpenDatasetOptions,
): { crowdsIgnored: boolean; notes: string[] } {
  const outlined = files.flatMap(({ images }) => images.flatMap(({ annotations }) => annotations)).filter(({ area }) => area > 0);
  const count = outlined.filter(({ crowd }) => crowd).length;
  if (count === 0) return { crowdsIgnored: true, notes: [] };
  if (crowds === 'objects') return { crowdsIgnored: false, notes: [`${count} crowds (iscrowd: 1) were read as objects.`] };
  if (crowds === undefined && count === outlined.length) {
    const note = `all ${count} outlines are marked as crowds (iscrowd: 1), as some tools write brush masks: they were read as objects. --crowds ignore (SDK: crowds: 'ignore') ignores them.`;
    return { crowdsIgnored: false, notes: [note] };
  }
  tally.add('crowd', undefined, count);
  return { crowdsIgnored: true, notes: [] };
}
