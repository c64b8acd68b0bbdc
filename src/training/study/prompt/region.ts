/**
 * Prompts learned without an encoder, to see the target prompt region of figure 3 (paper, section 5.3): from many starts a single prompt each, which is what VRP-SAM's loss
 * asks for, and one distribution, which is what ProSAM's asks for. Are samples of the latter better than the former?
 */
import { DEFAULT_MODEL } from '../../../core/engine/defaults.ts';
import type { Table } from '../../evaluation/tables.ts';
import { openFrozenModel, promptWidth } from '../frozen-model.ts';
import { average } from '../noise-measure.ts';
import { openProjection, PROJECTION_PACKAGE } from './projection.ts';
import { LOG_SIGMA_RATE, PATIENCE, promptRegion, SEARCH_RATE, type PromptRegion, type PromptScore } from './region-measure.ts';
import type { Study, StudyContext } from '../study-context.ts';
import { modelStamp } from '../study-folder.ts';
import type { StudyPart } from '../study-result.ts';
import type { Episode } from '../../types.ts';
import { DEFAULT_SEED } from '../../step/seeds.ts';

/** Plots take room: the first few images get their charts, all stand in the table. */
const MAX_CHARTED = 6;

export const promptRegionStudy: Study = async (context) => {
  const { settings } = context;
  const project = await openProjection();
  const model = settings.models[0] ?? DEFAULT_MODEL;
  const frozen = await openFrozenModel(context, model);
  const regions: PromptRegion[] = [];
  try {
    const width = await promptWidth(model);
    const [seed = DEFAULT_SEED] = settings.seeds;
    for (const episode of imagesOf(context)) {
      const name = `prompt region of class ${episode.classId} in ${episode.target.key}`;
      const { starts, startDeviation, samples, lr = SEARCH_RATE, searchSteps, dataset } = settings;
      const inputs = {
        kind: 'prompt-region',
        data: dataset.name,
        model: await modelStamp(model),
        starts,
        startDeviation,
        samples,
        lr,
        searchSteps,
        seed,
      };
      const { value, kept } = await context.folder.cell(name, { ...inputs, picture: project !== undefined }, () =>
        promptRegion(context, frozen, episode, { width, seed, name, project }),
      );
      context.note(`${name}: ${kept ? 'searched before, kept' : `${starts} prompts and a distribution learned`}`);
      regions.push(value);
    }
  } finally {
    await frozen.close();
  }
  return {
    parts: [
      { heading: 'Learned prompts and a learned distribution', tables: tables(regions), charts: [] },
      ...regions.slice(0, MAX_CHARTED).map(chartsOf),
    ],
    notes: notesOn(context, regions, project !== undefined),
    figures: regions,
  };
};

/** Targets of the test pairs, each image and class once. */
function imagesOf({ settings }: StudyContext): Episode[] {
  const { dataset, folds, pairs = 1 } = settings;
  const seen = new Map<string, Episode>();
  for (const fold of folds) {
    // More than asked for, because an image may be the target of several pairs.
    for (const episode of dataset.fold(fold).testEpisodes(4 * pairs, DEFAULT_SEED)) {
      const key = `${episode.classId} ${episode.target.key}`;
      if (!seen.has(key)) seen.set(key, episode);
    }
  }
  return [...seen.values()].slice(0, pairs);
}

/** Share of the learned prompts that a sample beats, 0..1, for each sample: a higher IoU, or a lower BCE. */
export function beaten(learned: readonly PromptScore[], samples: readonly PromptScore[], by: 'iou' | 'bce'): number[] {
  const better = (a: PromptScore, b: PromptScore): boolean => (by === 'iou' ? a.iou > b.iou : a.bce < b.bce);
  return samples.map((sample) => learned.filter((one) => better(sample, one)).length / learned.length);
}

function tables(regions: readonly PromptRegion[]): [Table, Table] {
  const percent = (share: number): string => `${(100 * share).toFixed(0)} %`;
  const mid = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;
  return [
    {
      caption:
        'Measured here. Medians; "beaten" is the share of the learned prompts that a sample beats, mean over the samples and for the worst of them.',
      head: [
        'image',
        'class',
        'learned IoU',
        'sampled IoU',
        'mean prompt IoU',
        'learned BCE',
        'sampled BCE',
        'beaten in IoU',
        'worst',
        'beaten in BCE',
        'worst',
      ],
      rows: regions.map(({ image, classId, learned, samples, mean }) => {
        const [byIou, byBce] = [beaten(learned, samples, 'iou'), beaten(learned, samples, 'bce')];
        const of = (scores: readonly PromptScore[], key: 'iou' | 'bce'): string => mid(scores.map((score) => score[key])).toFixed(3);
        return [
          ...[image, String(classId), of(learned, 'iou'), of(samples, 'iou'), mean.iou.toFixed(3), of(learned, 'bce'), of(samples, 'bce')],
          ...[average(byIou), Math.min(...byIou), average(byBce), Math.min(...byBce)].map(percent),
        ];
      }),
    },
    {
      caption:
        'Measured here. Distances are root mean squares a coordinate: how far apart the learned prompts lie (from their middle), how far from the mean of the distribution, and how far its samples lie from it.',
      head: [
        'image',
        'sigma',
        'mean prompt size',
        'learned from their middle',
        'learned from the mean',
        'samples from the mean',
        'steps',
        'came to rest',
      ],
      rows: regions.map(({ image, distribution, distances, learned }) => [
        ...[image, distribution.sigma.toPrecision(3), distribution.size.toPrecision(3)],
        ...[distances.learnedFromMiddle, distances.learnedFromMean, distances.samplesFromMean].map((value) => value.toPrecision(3)),
        `${average(learned.map(({ steps }) => steps)).toFixed(0)} and ${distribution.steps}`,
        `${percent(learned.filter(({ converged }) => converged).length / learned.length)} and ${distribution.converged ? 'yes' : 'no'}`,
      ]),
    },
  ];
}

function chartsOf({ image, classId, learned, samples, mean, picture }: PromptRegion): StudyPart {
  const groups = (key: 'iou' | 'bce') => [
    { name: 'learned prompts', values: learned.map((score) => score[key]) },
    { name: 'samples of the distribution', values: samples.map((score) => score[key]) },
    { name: 'its mean', values: [mean[key]] },
  ];
  const heading = `${image}, class ${classId}`;
  const [first, second] = [learned.length, learned.length + samples.length];
  return {
    heading,
    tables: [],
    charts: [
      {
        kind: 'box',
        caption: 'IoU with the true mask. Higher is better.',
        parts: { title: `IoU: ${heading}`, y: 'IoU', groups: groups('iou') },
      },
      {
        kind: 'box',
        caption: 'Mean BCE over the pixels. Lower is better.',
        parts: { title: `BCE: ${heading}`, y: 'BCE', groups: groups('bce') },
      },
      ...(picture === undefined
        ? []
        : [
            {
              kind: 'scatter' as const,
              caption: 't-SNE keeps neighbours together; distances between groups say little.',
              parts: {
                title: `Prompts in the plane (t-SNE): ${heading}`,
                x: 't-SNE 1',
                y: 't-SNE 2',
                series: [
                  { name: 'learned prompts', points: picture.slice(0, first) },
                  { name: 'samples of the distribution', points: picture.slice(first, second) },
                  { name: 'its mean', points: picture.slice(second) },
                ],
              },
            },
          ]),
    ],
  };
}

function notesOn({ settings }: StudyContext, regions: readonly PromptRegion[], pictured: boolean): string[] {
  const { starts, startDeviation, lr = SEARCH_RATE, samples } = settings;
  const flat = regions.filter(({ learned }) => learned.some(({ converged }) => !converged)).length;
  return [
    `${starts} single prompts and one Student-t distribution (K = ${samples}) for each image, all from N(0, ${startDeviation}^2), AdamW at ${lr} ` +
      `(log sigma at ${Math.min(LOG_SIGMA_RATE, lr)}), ended once the best loss had not dropped by ${PATIENCE.least} for ${PATIENCE.steps} steps. ` +
      "At the paper's rate of 1e-4 no coordinate moves by more than 0.01 in that time, so no search from such starts can get anywhere.",
    ...(flat > 0
      ? [`In ${flat} of ${regions.length} images some searches were ended by the number of steps before they came to rest.`]
      : []),
    ...(pictured ? [] : [`There is no t-SNE plot, because ${PROJECTION_PACKAGE} is not installed: npm install ${PROJECTION_PACKAGE}.`]),
    'The paper reports that samples beat at least 75 % of 200 learned prompts, on one image (published).',
  ];
}
