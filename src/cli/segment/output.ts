/** Formats of a prediction on disk and on stdout. */
import { foldedName, hashedWord, wordsFor } from '../../core/files/file-name.ts';
import type { ImageReading } from '../../core/image/values/reading.ts';
import { pngFromMask } from '../../core/image/node/png.ts';
import { polygonsFromMask, type PolygonOptions } from '../../core/mask/polygon-groups.ts';
import { cocoRleFromMask } from '../../core/mask/rle.ts';
import type { BinaryMask } from '../../core/mask/label-reduction.ts';
import type { MaskPrediction, Prediction } from '../../core/engine/types.ts';
import { COLORS, pngFromRgb, readRgb, sideBySide, withHeat, withMask } from '../common/draw.ts';
import type { Format } from './spec.ts';

const OVERLAY_LONGEST = 1600;

/** Ending of overlays, which no label may produce in another format. */
const OVERLAY = '.overlay.png';

function labelWords(labels: readonly string[]): string[] {
  const words = wordsFor(labels.map((text) => ({ text })));
  return words.map((word, i) => (OVERLAY === `.${foldedName(word)}.png` ? hashedWord({ text: labels[i] as string }) : word));
}

/** Suffixes of the files one target gets, known before anything is predicted. */
export function outputSuffixes(format: Format, labels: readonly string[]): string[] {
  const each = (ending: string): string[] => (labels.length === 1 ? [ending] : labelWords(labels).map((word) => `.${word}${ending}`));
  switch (format) {
    case 'png':
      return each('.png');
    case 'overlay':
      return each(OVERLAY);
    case 'rle':
    case 'polygon':
      return [`.${format}.json`];
  }
}

/** Files of one target, in the order of `outputSuffixes`. */
export async function outputFiles(
  format: Format,
  target: string,
  prediction: Prediction,
  { reading, outlines }: { reading: ImageReading; outlines: PolygonOptions },
): Promise<(string | Uint8Array)[]> {
  const { masks, width, height } = prediction;
  if (format === 'png') return Promise.all(masks.map(({ mask }) => pngFromMask(mask)));
  if (format === 'overlay') return Promise.all(masks.map((mask) => overlay(target, mask, reading)));
  const shape = (mask: BinaryMask): Promise<unknown> => (format === 'rle' ? cocoRleFromMask(mask) : polygonsFromMask(mask, outlines));
  const items = await Promise.all(masks.map(async (mask) => ({ ...summary(mask), segmentation: await shape(mask.mask) })));
  return [`${JSON.stringify({ file: target, width, height, masks: items }, null, 1)}\n`];
}

/** Draws the target with its mask, and next to it the uncertainty. */
async function overlay(target: string, prediction: MaskPrediction, reading: ImageReading): Promise<Uint8Array> {
  const rgb = await readRgb(target, OVERLAY_LONGEST, reading);
  const masked = withMask(rgb, prediction.mask, COLORS.prediction);
  if (prediction.uncertaintyMap === undefined) return pngFromRgb(masked);
  const levels = { ...prediction.mask, data: prediction.uncertaintyMap };
  return sideBySide([masked, withMask(withHeat(rgb, levels), prediction.mask, COLORS.prediction, 0)]);
}

const rounded = (value: number): number => Number(value.toFixed(4));

/** Metrics of one mask, without its pixels. */
function summary({ label, method, area, boxXyxy, quality, instances }: MaskPrediction) {
  return {
    label,
    method,
    area,
    boxXyxy: boxXyxy ?? null,
    quality: Object.fromEntries(Object.entries(quality).map(([key, value]) => [key, typeof value === 'number' ? rounded(value) : value])),
    ...(instances && { instances: instances.map((one) => ({ boxXyxy: one.boxXyxy, area: one.area, score: rounded(one.score) })) }),
  };
}

/** JSON of one target; the metrics of a single mask are at the top level. */
export function jsonLine(file: string, prediction: Prediction) {
  const { width, height, masks, milliseconds, model, device, notices } = prediction;
  const [first] = masks;
  const stages = Object.fromEntries(Object.entries(milliseconds).map(([stage, value]) => [stage, Number(value.toFixed(1))]));
  const metrics = first !== undefined && masks.length === 1 ? summary(first) : { masks: masks.map(summary) };
  return { file, width, height, ...metrics, ...(notices && { notices }), milliseconds: stages, model, device };
}
