/** Images of the demo and the page that shows them. */
import type { BinaryMask } from '../../core/mask/label-reduction.ts';
import type { Engine, ImageInput, MaskPrediction, PredictOptions, Reference } from '../../core/engine/types.ts';
import { escapeHtml, figure, page, section } from '../../training/report/page.ts';
import { COLORS, readRgb, shrink, sideBySide, withHeat, withMask, type RgbImage } from '../common/draw.ts';

export interface DemoRow {
  title: string;
  /** File name beside the page. */
  picture: string;
  caption: string;
}

const LEGEND =
  'From left to right: the reference with its annotation (yellow), the target with the predicted mask (blue), the uncertainty of the model (bright = unsure), and the true mask (pink) where it is known.';
const LONGEST = 480;

/** Returns HTML. */
export function demoPage(rows: readonly DemoRow[], summary: string): string {
  const sections = rows.map(({ title, picture, caption: text }) => {
    const image = `<img src="${encodeURIComponent(picture)}" alt="${escapeHtml(`${title}: ${text}`)}">`;
    return section(title, figure(image, text));
  });
  return page({ title: 'prosam demo', intro: LEGEND, sections: [...sections, `<p>${escapeHtml(summary)}</p>`] });
}

async function rgbOf(image: ImageInput): Promise<RgbImage> {
  if (typeof image === 'string') return readRgb(image);
  return image as RgbImage;
}

/** Draws a reference with its mask. */
export async function referenceImage(engine: Engine, reference: Reference, options: PredictOptions): Promise<RgbImage> {
  const { mask } = await engine.referenceMask(reference, options);
  return shrink(withMask(await rgbOf(reference.image), mask, COLORS.annotation), LONGEST);
}

/** Draws one target beside the reference. target.truth: true mask, where it is known. @returns PNG */
export async function strip(
  reference: RgbImage,
  target: { image: ImageInput; truth?: BinaryMask },
  prediction: MaskPrediction,
): Promise<Uint8Array> {
  const rgb = await rgbOf(target.image);
  const levels = { ...prediction.mask, data: prediction.uncertaintyMap as Uint8Array };
  const panels = [
    withMask(rgb, prediction.mask, COLORS.prediction),
    withMask(withHeat(rgb, levels), prediction.mask, COLORS.prediction, 0),
    ...(target.truth ? [withMask(rgb, target.truth, COLORS.truth)] : []),
  ];
  return sideBySide([reference, ...panels.map((panel) => shrink(panel, LONGEST))]);
}

interface Metrics {
  method: string;
  iou: number | undefined;
  score: number;
  referenceIou: number | undefined;
  milliseconds: { total?: number };
}

/** Results of a target in one line. */
export function caption({ method, iou: value, score, referenceIou, milliseconds }: Metrics): string {
  const parts = [
    ...(value === undefined ? [] : [`IoU ${value.toFixed(2)}`]),
    `score ${score.toFixed(2)}`,
    method,
    ...(referenceIou === undefined ? [] : [`checked ${referenceIou.toFixed(2)}`]),
    `${Math.round(milliseconds.total ?? 0)} ms`,
  ];
  return parts.join(', ');
}
