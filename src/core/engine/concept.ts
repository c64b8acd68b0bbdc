/** References checked once and looked for in any number of images. */
import { ProsamError } from '../common/errors.ts';
import { DEFAULT_LABEL } from './defaults.ts';
import { predictMany } from './predict-many.ts';
import type { Concept, Engine, PredictOptions } from './types.ts';

/** Names of the references' labels, in the order they first appear. */
function labelsOf(references: readonly { label?: string }[]): string[] {
  return [...byLabel(references).keys()];
}

/** References by their label, in the order the labels first appear. */
export function byLabel<Ref extends { label?: string }>(references: readonly Ref[]): Map<string, Ref[]> {
  const groups = new Map<string, Ref[]>();
  for (const reference of references) {
    const label = reference.label ?? DEFAULT_LABEL;
    groups.set(label, [...(groups.get(label) ?? []), reference]);
  }
  return groups;
}

/** The label of all references. verb: to be done to each label by itself. @throws OPTION_INVALID for several */
export function onlyLabel(references: readonly { label?: string }[], verb: string): string {
  const labels = labelsOf(references);
  if (labels.length === 1) return labels[0] as string;
  throw new ProsamError('OPTION_INVALID', `expected references of one label, got ${labels.join(', ')}. ${verb} each label by itself.`);
}

type Asked<Image, Ref> = Pick<Engine<Image, Ref>, 'predict' | 'selfCheck' | 'fit' | 'referenceMask' | 'embedObject'>;

/**
 * Computes each reference's features once, which also checks it. They stay in the engine's cache; files are read again only when they
 * have changed or have been pushed out of it.
 */
export async function createConcept<Image, Ref extends { label?: string }>(
  engine: Asked<Image, Ref>,
  given: readonly Ref[],
  defaults: PredictOptions = {},
): Promise<Concept<Image>> {
  const references = [...given];
  const { signal, ...rest } = defaults;
  if (references.length === 0)
    throw new ProsamError('REFERENCE_MISSING', 'expected at least one reference (an image with the object annotated), got none.');
  for (const reference of references) await engine.embedObject(reference, defaults);
  signal?.throwIfAborted();
  const predict = (target: Image, options: PredictOptions = {}) => engine.predict(target, references, { ...rest, ...options });
  return {
    labels: labelsOf(references),
    predict,
    predictMany: (targets, options = {}) => predictMany(predict, targets, options),
    selfCheck: (options = {}) => engine.selfCheck(references, { ...rest, ...options }),
    fit: (options = {}) => engine.fit(references, { ...rest, ...options }),
    async mask(index = 0) {
      const reference = references[index];
      if (reference !== undefined) return engine.referenceMask(reference, rest);
      throw new ProsamError('OPTION_INVALID', `index: expected a whole number from 0 to ${references.length - 1}, got ${index}.`);
    },
  };
}
