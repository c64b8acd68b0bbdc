/** Galleries of predictions and of images to label next. */
import { el, type Child } from '../../../client/page/elements.ts';
import { maskColor } from '../../../client/page/overlay.ts';
import type { ImageView, PredictionView } from '../responses.ts';
import { ago, empty, decimal } from './format.ts';
import { framedImage } from './images.ts';

/** Erases an image and all that came of it, once it is confirmed. */
export type Erase = (image: { project: string; sha256: string }, name: string) => Promise<void>;

export function predictionGallery(predictions: readonly PredictionView[], erase: Erase): Child | Child[] {
  if (predictions.length === 0) return empty('None yet. POST /v1/predict asks for one.');
  return predictions.map(({ project, sha256, masks, createdMs }) => {
    const labels = masks.map(({ label, score }, i) => labelLine(label, score, maskColor(i)));
    const text = `Image with ${masks.length === 0 ? 'no mask' : `masks of ${masks.map(({ label }) => label).join(', ')}`}`;
    const uncertainty = masks.length === 0 ? undefined : Math.max(...masks.map((mask) => mask.uncertainty));
    const caption = el(
      'figcaption',
      {},
      el('ul', { class: 'labels' }, ...labels),
      uncertaintyMeter(uncertainty),
      el('p', { class: 'quiet' }, ago(createdMs)),
      eraseButton({ project, sha256 }, `the image ${sha256.slice(0, 12)}`, erase),
    );
    return el('figure', {}, framedImage(project, sha256, text, masks), caption);
  });
}

export function queueGallery(images: readonly ImageView[], erase: Erase): Child | Child[] {
  if (images.length === 0) return empty('Nothing waits: every image has been annotated, or none has been sent yet.');
  return images.map(({ project, sha256, externalId, uncertainty, presence }) => {
    const name = externalId ?? sha256.slice(0, 12);
    const caption = el(
      'figcaption',
      {},
      el('p', { title: sha256 }, name),
      uncertaintyMeter(uncertainty),
      ...(presence === undefined ? [] : [el('p', { class: 'quiet' }, `${decimal(presence, 2)} present`)]),
      eraseButton({ project, sha256 }, name, erase),
    );
    return el('figure', {}, framedImage(project, sha256, `Image ${name}`), caption);
  });
}

function eraseButton(image: { project: string; sha256: string }, name: string, erase: Erase): HTMLButtonElement {
  return el(
    'button',
    {
      ...{ type: 'button', class: 'acts-write', 'data-key': `erase ${image.sha256}`, 'aria-label': `Erase ${name}` },
      click: () => void erase(image, name),
    },
    'Erase',
  );
}

function labelLine(label: string, score: number, color: string): HTMLLIElement {
  const swatch = el('span', { class: 'swatch' });
  swatch.style.background = color;
  return el('li', {}, swatch, el('span', {}, label), el('span', { class: 'score', title: 'expected IoU' }, decimal(score, 2)));
}

function uncertaintyMeter(uncertainty: number | undefined): HTMLElement {
  if (uncertainty === undefined) return el('p', { class: 'meter' }, 'not predicted yet');
  const meter = el('meter', { min: 0, max: 1, low: 0.33, high: 0.66, optimum: 0, value: uncertainty, 'aria-label': 'uncertainty' });
  return el('div', { class: 'meter' }, meter, el('span', {}, `${decimal(uncertainty, 2)} unsure`));
}
