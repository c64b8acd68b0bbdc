/** Version string of an answer: a fingerprint of all that decides over its masks, and of nothing else. */
import { PIECES } from '../core/engine/methods/pieces.ts';
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
  /** Prompt encoders that the masks of some labels go back to, where it is not that one (seen-version.ts). @default none */
  seen?: ReadonlyMap<string, string>;
  /** Reference set of each label that is looked for, in any order. */
  sets: readonly { label: string; hash: string }[];
  /** Images without the labels that finds are held against, in any order. @default none */
  without?: readonly string[];
  options?: MaskOptions | undefined;
  /** Settings of an adapter that change what it makes of a mask; those that are undefined are left out. */
  form?: Readonly<Record<string, boolean | number | string | undefined>> | undefined;
}

/** Methods that compute with the trained prompt encoder; 'auto' may choose one of them in any target. */
const TRAINED: readonly (Method | 'auto')[] = ['auto', 'prosam', 'coarse', 'learned'];
/** Methods that draw with fitted numbers where there are some. */
const FITTING: readonly (Method | 'auto')[] = ['auto', 'learned'];
/** Numbers that decide which method's mask is kept and which is withheld, and how it is redrawn. */
const CALIBRATION = shortHash([SCORES, CHOICE, PRESENCE, PIECES]);

/**
 * `<model>.<prompt encoder or method>.r-<hash>`. The prompt encoder is part of it only where the method may use it: another one in service
 * then changes the masks. Where the labels' masks go back to several, one of them is named, and the hash stands for the others. The hash
 * stands for references, options, calibration and form, too, and for numbers fitted to a label where they are used.
 */
export function answerVersion(parts: AnswerParts): string {
  const { model, method, encoderVersion, seen = new Map<string, string>(), sets, without = [], options = {}, form = {} } = parts;
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
  const named = namedOf(sets, seen, encoderVersion);
  const isTrained = TRAINED.includes(method);
  const references = sets.map(({ label, hash }) => {
    const own = seen.get(label) ?? encoderVersion;
    return isTrained && own !== named ? [label, hash, own] : [label, hash];
  });
  const settings = [entriesOf(masks), entriesOf(form)];
  // Numbers fitted to a label that is not asked for, or that were no better than none, change no mask.
  const used = FITTING.includes(method)
    ? learned.filter(({ label, numbers }) => numbers !== undefined && sets.some((set) => set.label === label)).map(shortHash)
    : [];
  const more = [...(without.length > 0 ? [without.toSorted()] : []), ...(used.length > 0 ? [used.sort()] : [])];
  const hash = shortHash([references.sort(), CALIBRATION, method, ...settings, ...more]);
  return `${model}.${isTrained ? named : method}.r-${hash}`;
}

/** One of the prompt encoders that the labels' masks go back to, whichever is in service: the first by name that is not the model's own. */
function namedOf(sets: AnswerParts['sets'], seen: ReadonlyMap<string, string>, inService: string): string {
  if (sets.length === 0) return inService;
  const all = sets.map(({ label }) => seen.get(label) ?? inService).sort();
  return all.find((one) => one !== 'base') ?? 'base';
}

/** Whether options say themselves how masks are drawn or withheld, and not only what becomes of them afterwards. */
export function chooses(options: MaskOptions = {}): boolean {
  const { strategy, dense, samples, distribution, nu, seed, labelReduction, grow, threshold } = options;
  const all = [strategy, dense, samples, distribution, nu, seed, labelReduction, grow, threshold];
  return all.some((value) => value !== undefined);
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
