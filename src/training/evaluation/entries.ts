/** Entries of an evaluation: models by method and strategy, and two trivial answers. */
import { ProsamError } from '../../core/common/errors.ts';
import type { Dense, Strategy } from '../../core/engine/strategy.ts';
import type { Method, PredictOptions } from '../../core/engine/types.ts';

/** Options an entry chooses; annotations and seed are the same for all. */
export type ContestantOptions = Pick<
  PredictOptions,
  'method' | 'strategy' | 'dense' | 'maxPoints' | 'samples' | 'distribution' | 'nu' | 'grow' | 'minArea' | 'fillHoles' | 'largestOnly'
>;

export type Contestant =
  /** model: name or path; `{fold}` in it stands for the fold's name, for runs that trained one model per fold. */
  | { kind: 'model'; name: string; model: string; options: ContestantOptions }
  /** The reference's mask, brought to the target's size. */
  | { kind: 'copied-mask'; name: string }
  | { kind: 'everything'; name: string };

export type ModelContestant = Extract<Contestant, { kind: 'model' }>;

export const BASELINES: readonly Contestant[] = [
  { kind: 'copied-mask', name: 'copied mask' },
  { kind: 'everything', name: 'everything foreground' },
];

export interface Field {
  models: readonly string[];
  methods: readonly (Method | 'auto')[];
  /** Strategies of the method 'prosam'; the others have none. @default ['mean_prompt'] */
  strategies?: readonly Strategy[];
  /** Mask prompts of 'prosam': the model's own, none. @default ['model'] */
  dense?: readonly Dense[];
  /** Shared by all models. */
  options?: Omit<ContestantOptions, 'method' | 'strategy' | 'dense'>;
}

/** Every model with every method, 'prosam' once per strategy and mask prompt; names say only what tells them apart. */
export function contestantsOf({
  models,
  methods,
  strategies = ['mean_prompt'],
  dense = ['model'],
  options = {},
}: Field): ModelContestant[] {
  const [ownModels, ownStrategies] = [[...new Set(models)], [...new Set(strategies)]];
  const told = ownStrategies.length > 1 || ownStrategies[0] !== 'mean_prompt';
  const contestants: ModelContestant[] = [];
  for (const model of ownModels) {
    const before = ownModels.length > 1 ? `${model}: ` : '';
    for (const method of new Set(methods)) {
      for (const strategy of method === 'prosam' ? ownStrategies : [undefined]) {
        for (const prompt of method === 'prosam' ? new Set(dense) : [undefined]) {
          const name = `${before}${method}${told && strategy ? ` ${strategy}` : ''}${prompt === 'none' ? ' without coarse mask' : ''}`;
          const own = { ...(strategy && { strategy }), ...(prompt === 'none' && { dense: prompt }) };
          contestants.push({ kind: 'model', name, model, options: { ...options, method, ...own } });
        }
      }
    }
  }
  return contestants;
}

/** @throws OPTION_INVALID for nobody, or two of one name */
export function checkContestants(contestants: readonly Contestant[]): void {
  if (contestants.length === 0)
    throw new ProsamError('OPTION_INVALID', 'expected at least one contestant, got none. Name a model and a method.');
  const names = contestants.map(({ name }) => name);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) throw new ProsamError('OPTION_INVALID', `expected contestants with different names, got ${twice} twice.`);
}

/** The model a contestant uses on one fold. */
export function modelOn({ model }: ModelContestant, fold: string): string {
  return model.replaceAll('{fold}', fold);
}
