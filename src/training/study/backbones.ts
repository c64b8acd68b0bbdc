/** Study of backbones (paper, tables 5 and 9): the same encoders on several models' backbones. */
import { join } from 'node:path';
import { openModel } from '../../core/checkpoint/model-folder.ts';
import { modelFolder } from '../../core/runtime/node/open-engine.ts';
import { midBlockVariants } from './backbone-variants.ts';
import { contendersOf, testedFolds } from './entries.ts';
import { publishedFor } from './published-studies.ts';
import { scoreMetrics, scorePart, type Scored } from './score-part.ts';
import { modelTitle, type Study } from './study-context.ts';

export const backbones: Study = async (context) => {
  const { settings } = context;
  const [first, ...others] = settings.models as [string, ...string[]];
  const models = others.length > 0 ? settings.models : await midBlockVariants(first, join(settings.out, 'models'));
  const notes = new Set<string>();
  if (others.length === 0) {
    notes.add(
      'One model was named, so the blocks of its own SAM that the encoder reads are compared. For the paper’s tables name model folders ' +
        'with different backbones on one SAM (ResNet-50, VGG-16, DINOv2 with and without registers, DINOv3).',
    );
  }
  const scored: Scored[] = [];
  for (const model of models) {
    for (const contender of contendersOf(context, settings.variants ?? ['deterministic', 'student_t'], { model })) {
      const folds = await testedFolds(context, contender, { what: 'tested', notes });
      scored.push({ name: `${contender.title}, ${modelTitle(model, models)}`, folds });
    }
  }
  const foldNames = settings.folds.map(String);
  const scores = scoreMetrics(scored, foldNames);
  const oneSam = await haveOneSam(models);
  if (!oneSam) notes.add('The models have different SAMs: a difference between them comes from the masks that SAM can draw, too.');
  const caption = oneSam
    ? 'The same SAM decoder and the same training; only what the prompt encoder reads differs.'
    : 'The same training on models that differ in their SAM, and in what the prompt encoder reads.';
  const part = scorePart(scored, scores, { heading: 'Backbones', caption, foldNames, published: publishedFor(5, 9) });
  return { parts: [part], notes: [...notes], figures: { scores } };
};

/** The same weights in the same preprocessing. @throws MODEL_* */
async function haveOneSam(models: readonly string[]): Promise<boolean> {
  const sams = new Set<string>();
  for (const model of models) {
    const { files, sam } = (await openModel(modelFolder(model))).manifest;
    sams.add(JSON.stringify([files[sam.file], sam.resize, sam.config.imageSize]));
  }
  return sams.size === 1;
}
