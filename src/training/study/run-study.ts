/** The studies of the paper by name. */
import { ProsamError } from '../../core/common/errors.ts';
import { annotations } from './annotations.ts';
import { backbones } from './backbones.ts';
import { distributions } from './distributions.ts';
import { domainShift } from './domain-shift.ts';
import { flatness } from './flatness.ts';
import { promptRegionStudy } from './prompt/region.ts';
import { strategies } from './strategies.ts';
import { createStudyContext, type Study } from './study-context.ts';
import { settingsForReport, type StudyOptions } from './study-options.ts';
import type { StudyName, StudyResult } from './study-result.ts';

const RUN: Readonly<Record<StudyName, Study>> = {
  distributions,
  strategies,
  backbones,
  annotations,
  'domain-shift': domainShift,
  'prompt-region': promptRegionStudy,
  flatness,
};
/** Studies that can be made on trained models instead of training some. */
const ON_TRAINED: readonly StudyName[] = ['strategies', 'annotations', 'domain-shift', 'flatness'];

/**
 * Trains what is not trained yet, measures what is not measured yet, and puts the answer together. Ended early, by the signal
 * or by force, the same call goes on: a run from its checkpoint, everything else from the last whole cell.
 * @throws OPTION_INVALID, DATASET_*, MODEL_*, RUN_INVALID, RUN_LOCKED, OUTPUT_FAILED, LOSS_NOT_FINITE; the signal's reason
 */
export async function runStudy(study: StudyName, options: StudyOptions): Promise<StudyResult> {
  const context = createStudyContext(options);
  const { settings } = context;
  if (settings.trained.length > 0 && !ON_TRAINED.includes(study))
    throw new ProsamError('OPTION_INVALID', `trained: ${study} trains its own models; only ${ON_TRAINED.join(', ')} take trained ones.`);
  if (settings.models.length > 1 && study !== 'backbones')
    throw new ProsamError(
      'OPTION_INVALID',
      `models: ${study} takes one, got ${settings.models.join(', ')}. Only backbones compares several.`,
    );
  const findings = await RUN[study](context);
  return { format: 'prosam-study/1', study, data: settings.dataset.name, settings: settingsForReport(settings), ...findings };
}
