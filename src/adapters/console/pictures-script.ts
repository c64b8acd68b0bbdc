/** In the browser: predictions and images to label as pictures. */

export const PICTURES_SCRIPT = String.raw`
import { ago, el, empty, figure, picture } from './dom.js';
import { COLOURS, drawMasks } from './masks.js';

/** Addresses of pictures already fetched. */
const fetched = new Map();
const MOST_FETCHED = 200;

function addressOf(project, sha256) {
  const path = '/console/images/' + sha256 + '?project=' + encodeURIComponent(project);
  if (!fetched.has(path)) {
    if (fetched.size >= MOST_FETCHED) forgetPictures();
    fetched.set(path, picture(path));
  }
  return fetched.get(path);
}

export function forgetPictures() {
  // Some may still be on their way into the page.
  const later = (address) => setTimeout(() => URL.revokeObjectURL(address), 10000);
  for (const address of fetched.values()) address.then(later, () => undefined);
  fetched.clear();
}

/** Shows the picture once it is there; drawn: what to do then, with the image's element. */
export function image(project, sha256, attributes, drawn = () => undefined) {
  const img = el('img', { decoding: 'async', ...attributes });
  addressOf(project, sha256).then(
    (address) => {
      img.addEventListener('load', () => drawn(img), { once: true });
      img.src = address;
    },
    () => img.replaceWith(el('span', { class: 'missing' }, 'picture not there')),
  );
  return img;
}

function framed(project, sha256, text, masks) {
  const canvas = el('canvas', { 'aria-hidden': 'true' });
  const img = image(project, sha256, { alt: text }, ({ naturalWidth, naturalHeight }) => {
    canvas.width = naturalWidth;
    canvas.height = naturalHeight;
    drawMasks(canvas, masks);
    canvas.dataset.drawn = 'yes';
  });
  return el('div', { class: 'frame' }, img, ...(masks.length > 0 ? [canvas] : []));
}

export function uncertaintyMeter(uncertainty) {
  if (uncertainty === undefined) return el('p', { class: 'meter' }, 'not predicted yet');
  const meter = el('meter', { min: 0, max: 1, low: 0.33, high: 0.66, optimum: 0, value: uncertainty, 'aria-label': 'uncertainty' });
  return el('div', { class: 'meter' }, meter, el('span', {}, figure(uncertainty, 2) + ' unsure'));
}

export function predictionGallery(predictions) {
  if (predictions.length === 0) return empty('None yet. POST /v1/predict asks for one.');
  return predictions.map(({ project, sha256, masks, createdMs }) => {
    const labels = masks.map(({ label, score }, i) => {
      const swatch = el('span', { class: 'swatch' });
      swatch.style.background = COLOURS[i % COLOURS.length];
      return el('li', {}, swatch, el('span', {}, label), el('span', { class: 'score', title: 'expected IoU' }, figure(score, 2)));
    });
    const text = 'Image with ' + (masks.length === 0 ? 'no mask' : 'masks of ' + masks.map(({ label }) => label).join(', '));
    const uncertainty = masks.length === 0 ? undefined : Math.max(...masks.map((mask) => mask.uncertainty));
    const caption = el('figcaption', {}, el('ul', { class: 'labels' }, ...labels), uncertaintyMeter(uncertainty), el('p', { class: 'quiet' }, ago(createdMs)));
    return el('figure', {}, framed(project, sha256, text, masks), caption);
  });
}

export function queueGallery(images) {
  if (images.length === 0) return empty('Nothing waits: every image has been annotated, or none has been sent yet.');
  return images.map(({ project, sha256, externalId, uncertainty }) => {
    const name = externalId ?? sha256.slice(0, 12);
    const caption = el('figcaption', {}, el('p', { title: sha256 }, name), uncertaintyMeter(uncertainty));
    return el('figure', {}, framed(project, sha256, 'Image ' + name, []), caption);
  });
}
`;
