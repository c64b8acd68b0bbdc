/** Settings that must stay the same for a run to be resumed. */
import { createHash } from 'node:crypto';
import type { TrainSettings } from '../train-options.ts';
import type { Episode } from '../types.ts';

/**
 * Fingerprint as text and numbers, also for people: these settings appear in the run's report.
 *
 * episodes: of the first epoch; they tell whether the data or their split have changed. Length of the run, patience and save interval
 * may change, and so may the number of epochs where the learning rate does not depend on it.
 */
export function settingsFingerprint(
  settings: TrainSettings,
  modelId: string,
  episodes: readonly Episode[],
): Record<string, string | number> {
  const { augmentation, labelReduction, schedule } = settings;
  const entries: [string, string | number | undefined][] = [
    ['model', modelId],
    ['dataset', settings.dataset.name],
    ['fold', settings.fold],
    ['training pairs', `${episodes.length} an epoch (${hashOf(episodes)})`],
    ['validationPairs', settings.validationPairs],
    ['start', settings.start],
    ['annotation', settings.annotation],
    ['labelReduction', labelReduction && JSON.stringify(labelReduction)],
    ['distribution', settings.distribution],
    ['nu', settings.nu],
    ['noiseScale', settings.noiseScale],
    ['stackedHeads', settings.stackedHeads ? 'yes' : undefined],
    ['dense', settings.dense],
    ['outputGain', settings.outputGain],
    ['samples', settings.samples],
    ['batch', settings.batch],
    ['lr', settings.lr],
    ['schedule', schedule],
    schedule === 'cosine' ? ['epochs', settings.epochs] : ['restartEpochs', settings.restartEpochs],
    ['weightDecay', settings.weightDecay],
    ['dropout', settings.dropout],
    ['clipNorm', settings.clipNorm],
    ['averageDecay', settings.averageDecay],
    ['keep', settings.keep === 0 ? undefined : settings.keep],
    ['absent', settings.absent === 0 ? undefined : settings.absent],
    ['marks', settings.marks === 0 ? undefined : settings.marks],
    ['augmentation', augmentation && JSON.stringify(augmentation)],
    ['seed', settings.seed],
    ['engine', settings.engine.name],
  ];
  return Object.fromEntries(entries.filter((entry): entry is [string, string | number] => entry[1] !== undefined));
}

function hashOf(episodes: readonly Episode[]): string {
  const hash = createHash('sha256');
  for (const { classId, reference, target } of episodes) hash.update(`${classId}\n${reference.key}\n${target.key}\n`);
  return hash.digest('hex').slice(0, 12);
}
