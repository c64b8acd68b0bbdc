/** Images of the demo and the page that shows them. */
import type { BinaryMask } from '../../core/mask/label-reduction.ts';
import type { Engine, ImageInput, MaskPrediction, PredictOptions, Reference } from '../../core/engine/types.ts';
import { escapeHtml, figure, page, section } from '../../training/report/page.ts';
import type { ImageReading } from '../../core/image/values/reading.ts';
import { fittedBox } from '../../core/mask/coordinates.ts';
import type { Units } from '../../core/mask/units.ts';
import { COLORS, readRgb, shrink, sideBySide, withBox, withHeat, withMask, type Box, type RgbImage } from '../common/draw.ts';
import { creditOf, type Photos } from './photos.ts';
import type { Panel } from './wall.ts';

export interface DemoRow {
  title: string;
  /** File name beside the page. */
  picture: string;
  caption: string;
}

export interface DemoPage {
  /** File name of the picture of all results. */
  overview: string;
  rows: readonly DemoRow[];
  /** Results for photos that do not show what was marked. */
  absent: readonly DemoRow[];
  summary: string;
  /** Photos of the package, if they are what is shown. */
  photos?: Photos | undefined;
}

const INTRO = 'One object was marked in one photo (yellow). Everything in blue is what prosam found by itself in the other photos.';
const LEGEND =
  'From left to right: the reference with its mark (yellow), the photo with the predicted mask (blue), the uncertainty of the model (bright = unsure), and the true mask (pink) where it is known. IoU says how well mask and true mask agree (1 = entirely), score is the IoU to expect, and present the probability that the photo shows it at all.';
const CHOICE =
  'The concepts were chosen by hand. Their photos are all those of a data set that may be handed on, show the concept at a fair size and hardly a person: none was left out because its mask is poor. Figures on whole data sets: docs/results.md of the package.';
const ABSENT =
  'A mask is left out where the concept is likely absent. That is a probability, and it errs in both directions: more on things that look alike, less where photos without the concept are known, such as here those of the other concept. How often, on whole data sets: docs/concepts/trust.md of the package.';
const LONGEST = 480;

/** Returns HTML: the same results make the same page. */
export function demoPage({ overview, rows, absent, summary, photos }: DemoPage): string {
  const sections = [
    figure(image(overview, INTRO), summary),
    section('Photo by photo', paragraph(LEGEND), ...rows.map(rowFigure)),
    ...(absent.length > 0 ? [section('Photos without it', paragraph(ABSENT), ...absent.map(rowFigure))] : []),
    ...(photos ? [section('How the photos were chosen, and whose they are', paragraph(CHOICE), credits(photos))] : []),
  ];
  return page({ title: 'prosam demo', intro: INTRO, sections });
}

function rowFigure({ title, picture, caption: text }: DemoRow): string {
  return `<h3>${escapeHtml(title)}</h3>\n${figure(image(picture, `${title}: ${text}`), text)}`;
}

function image(file: string, alt: string): string {
  return `<img src="${encodeURIComponent(file)}" alt="${escapeHtml(alt)}">`;
}

function paragraph(text: string): string {
  return `<p>${escapeHtml(text)}</p>`;
}

function credits(list: Photos): string {
  const items = list.photos.map((photo) => {
    const { number, terms } = creditOf(photo, list);
    return `<li>${photo.name}: <a href="${photo.page}">photo ${number} at Flickr</a>, <a href="${terms}">${photo.license}</a></li>`;
  });
  const notes =
    'The photographers are named on those pages. Photos were shrunk to 320 pixels, and masks drawn on top. Pictures here are under CC BY-SA 2.0 where they show a photo under it, and else under CC BY 2.0.';
  return `<ul>\n${items.join('\n')}\n</ul>\n${paragraph(notes)}\n${paragraph(`True masks: ${list.annotations}.`)}`;
}

async function rgbOf(given: ImageInput, { valueRange, page: at }: ImageReading): Promise<RgbImage> {
  const reading = { ...(valueRange && { valueRange }), ...(at !== undefined && { page: at }) };
  return typeof given === 'string' ? readRgb(given, Infinity, reading) : (given as RgbImage);
}

/** Reads a reference with the mask that its mark became. */
export async function referencePanel(engine: Engine, reference: Reference, options: PredictOptions): Promise<Panel> {
  const { mask } = await engine.referenceMask(reference, options);
  const { box, units } = reference as { box?: Box; units?: Units }; // checked by now
  const drawn = box && fittedBox(box, units, mask);
  return { image: await rgbOf(reference.image, options), mask, isReference: true, boxXyxy: drawn };
}

/** Reads a target with its prediction. */
export async function targetPanel(target: ImageInput, { mask }: MaskPrediction, reading: ImageReading): Promise<Panel> {
  return { image: await rgbOf(target, reading), mask };
}

/** Draws one target beside the reference. truth: true mask, where it is known. @returns PNG */
export async function strip(reference: Panel, target: Panel, prediction: MaskPrediction, truth?: BinaryMask): Promise<Uint8Array> {
  const rgb = target.image;
  const levels = { ...prediction.mask, data: prediction.uncertaintyMap as Uint8Array };
  const marked = withMask(reference.image, reference.mask, COLORS.annotation);
  const panels = [
    reference.boxXyxy ? withBox(marked, reference.boxXyxy, COLORS.annotation) : marked,
    withMask(rgb, prediction.mask, COLORS.prediction),
    withMask(withHeat(rgb, levels), prediction.mask, COLORS.prediction, 0),
    ...(truth ? [withMask(rgb, truth, COLORS.truth)] : []),
  ];
  return sideBySide(panels.map((panel) => shrink(panel, LONGEST)));
}

interface Metrics {
  method: string;
  iou: number | undefined;
  score: number;
  present: number;
  /** Share of the image that was marked although the concept is known to be absent. */
  wrongly: number | undefined;
}

/** Results of a target in one line. */
export function caption({ method, iou: value, score, present, wrongly }: Metrics): string {
  const parts = [
    ...(wrongly === undefined
      ? []
      : [wrongly === 0 ? 'nothing marked, which is right' : `${(100 * wrongly).toFixed(1)} % of the photo marked, which is wrong`]),
    ...(value === undefined ? [] : [`IoU ${value.toFixed(2)}`]),
    `score ${score.toFixed(2)}`,
    `present ${present.toFixed(2)}`,
    method,
  ];
  return parts.join(', ');
}
