/** Images as thumbnails, fetched once: each needs the token, so none can be the address of an <img>. */
import { el, type Attributes } from '../../../client/page/elements.ts';
import { drawMasks } from '../../../client/page/overlay.ts';
import type { PredictionView } from '../responses.ts';
import { connection } from './connection.ts';

const MAX_FETCHED = 200;
/** Time for thumbnails on their way into the page. */
const REVOKE_AFTER_MS = 10_000;

/** Object URLs by project and image. */
const fetched = new Map<string, Promise<string>>();

function urlOf(project: string, sha256: string): Promise<string> {
  const key = `${sha256} ${project}`;
  const known = fetched.get(key);
  if (known) return known;
  if (fetched.size >= MAX_FETCHED) forgetImages();
  const url = connection()
    .thumbnail(project, sha256)
    .then((blob) => URL.createObjectURL(blob));
  fetched.set(key, url);
  return url;
}

export function forgetImages(): void {
  const revokeLater = (url: string): unknown => setTimeout(() => URL.revokeObjectURL(url), REVOKE_AFTER_MS);
  for (const url of fetched.values()) url.then(revokeLater, () => undefined);
  fetched.clear();
}

/** Shows the image once it is there. loaded: called then. */
export function imageElement(
  project: string,
  sha256: string,
  attributes: Attributes,
  loaded?: (img: HTMLImageElement) => void,
): HTMLElement {
  const img = el('img', { decoding: 'async', ...attributes });
  urlOf(project, sha256).then(
    (url) => {
      if (loaded) img.addEventListener('load', () => loaded(img), { once: true });
      img.src = url;
    },
    () => img.replaceWith(el('span', { class: 'missing' }, 'image not there')),
  );
  return img;
}

/** The image in a frame, under its masks. */
export function framedImage(project: string, sha256: string, text: string, masks: PredictionView['masks'] = []): HTMLElement {
  if (masks.length === 0) return el('div', { class: 'frame' }, imageElement(project, sha256, { alt: text }));
  const canvas = el('canvas', { 'aria-hidden': 'true' });
  const img = imageElement(project, sha256, { alt: text }, ({ naturalWidth, naturalHeight }) => {
    canvas.width = naturalWidth;
    canvas.height = naturalHeight;
    drawMasks(canvas, masks);
    canvas.dataset['drawn'] = 'yes';
  });
  return el('div', { class: 'frame' }, img, canvas);
}
