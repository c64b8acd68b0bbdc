/** Version string of an answer: a fingerprint of all that decides over its masks, and of nothing else. */
import { METHODS, type Method } from '../core/engine/results.ts';
import { CHOICE, PRESENCE, SCORES } from '../core/engine/trust/weights.ts';
import type { PredictOptions } from '../core/engine/types.ts';
import { shortHash } from './references.ts';

/** Options of a prediction that change its masks. Image inputs, drawn noise and extra outputs are not among them. */
export type MaskOptions = Omit<PredictOptions, 'signal' | 'noise' | 'others' | 'promptEncoder' | 'uncertaintyMap' | 'instances' | 'method'>;

export interface AnswerParts {
  /** Name and content hash of the base model, such as 'tiny@9a897d329434'. */
  model: string;
  method: Method | 'auto';
  /** Trained prompt encoder: id of a version, or 'base'. */
  encoderVersion: string;
  /** Reference set of each label that is looked for, in any order. */
  sets: readonly { label: string; hash: string }[];
  options?: MaskOptions | undefined;
  /** Settings of an adapter that change what it makes of a mask; those that are undefined are left out. */
  form?: Readonly<Record<string, boolean | number | string | undefined>> | undefined;
}

/** Methods that compute with the trained prompt encoder; 'auto' may choose one of them in any target. */
const TRAINED: readonly (Method | 'auto')[] = ['auto', 'prosam', 'coarse', 'learned'];
/** Methods that draw with fitted numbers where there are some. */
const FITTING: readonly (Method | 'auto')[] = ['auto', 'learned'];
/** Numbers that say what a mask's evidence is worth: they decide which method's mask is kept, and which is withheld. */
const CALIBRATION = shortHash([SCORES, CHOICE, PRESENCE]);

/**
 * `<model>.<prompt encoder or method>.r-<hash>`. The prompt encoder is part of it only where the method may use it: another one in service
 * then changes the masks. The hash stands for references, options, calibration, form, and numbers fitted to a label where they are used.
 */
export function answerVersion({ model, method, encoderVersion, sets, options = {}, form = {} }: AnswerParts): string {
  const { strategy, dense, samples, distribution, nu, seed, labelReduction, grow, maxPoints, threshold, minInstanceShare } = options;
  const { minArea, fillHoles, largestOnly, valueRange, page, promptReferences, learned = [] } = options;
  const masks = {
    promptReferences,
    minArea,
    fillHoles,
    largestOnly,
    valueRange,
    page,
    strategy,
    dense,
    samples,
    distribution,
    nu,
    seed,
    labelReduction,
    grow,
    maxPoints,
    threshold,
    minInstanceShare,
  };
  const references = sets.map(({ label, hash }) => [label, hash]).sort();
  const settings = [entriesOf(masks), entriesOf(form)];
  // Numbers fitted to a label that is not asked for, or that were no better than none, change no mask.
  const used = FITTING.includes(method)
    ? learned.filter(({ label, numbers }) => numbers !== undefined && sets.some((set) => set.label === label)).map(shortHash)
    : [];
  const hash = shortHash([references, CALIBRATION, method, ...settings, ...(used.length > 0 ? [used.sort()] : [])]);
  return `${model}.${TRAINED.includes(method) ? encoderVersion : method}.r-${hash}`;
}

/** Whether a version string is one of this program's: made by `answerVersion`, or by version 0.1.0. */
export function isAnswerVersion(text: string): boolean {
  const found = /^[\w.-]+@[0-9a-f]{12}\.([\w-]+)\.r-[0-9a-f]{12}$/.exec(text)?.[1];
  return found !== undefined && (found === 'base' || /^v-/.test(found) || METHODS.some((method) => method === found));
}

function entriesOf(settings: object): [string, unknown][] {
  return Object.entries(settings)
    .filter(([, value]) => value !== undefined)
    .sort(([one], [other]) => (one < other ? -1 : 1));
}
