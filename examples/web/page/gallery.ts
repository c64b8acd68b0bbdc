/** The target pictures as cards: waiting, being computed, found, or failed. */
import { el } from 'prosam/client/page';
import type { MaskPrediction } from 'prosam/web';
import { paintResult } from './paint.ts';
import type { RgbImage } from './picture.ts';

export interface Target {
  picture: RgbImage;
  state: 'waiting' | 'running' | 'found' | 'failed';
  found?: MaskPrediction;
  problem?: string;
}

export interface GalleryOptions {
  list: HTMLElement;
  onSave: (target: Target) => void;
  onRemove: (target: Target) => void;
}

export interface Gallery {
  /** map: show uncertainty instead of masks; sorted: least certain first. */
  show(targets: readonly Target[], view: { map: boolean; sorted: boolean }): void;
}

interface Card {
  item: HTMLLIElement;
  /** Key of the last drawing, so that nothing is drawn twice. */
  drawn?: string;
}

export function createGallery({ list, onSave, onRemove }: GalleryOptions): Gallery {
  const cards = new Map<Target, Card>();

  const fill = (target: Target, card: Card, map: boolean): void => {
    const { picture, state, found, problem } = target;
    const drawing = `${state} ${map}`;
    if (card.drawn === drawing) return;
    card.drawn = drawing;
    card.item.dataset['state'] = state;
    const canvas = el('canvas', { role: 'img', 'aria-label': spoken(target, map) });
    paintResult(canvas, picture.bitmap, found, map);
    const busy = state === 'running' ? el('progress', { class: 'busy', 'aria-label': `Looking in ${picture.name}` }) : undefined;
    const frame = el('div', { class: 'frame' }, canvas, busy);
    const name = el('p', { class: 'name', title: picture.name }, picture.name);
    const failed = problem === undefined ? undefined : el('p', { class: 'failed' }, problem);
    const buttons = el(
      'div',
      { class: 'card-buttons' },
      button('Save', `Save the mask of ${picture.name}`, () => onSave(target), !found),
      button('Remove', `Remove ${picture.name}`, () => onRemove(target)),
    );
    const parts = [frame, name, found && facts(found), failed, buttons];
    card.item.replaceChildren(...parts.filter((part) => part !== undefined));
  };

  return {
    show(targets, { map, sorted }) {
      for (const [target, { item }] of cards) {
        if (targets.includes(target)) continue;
        item.remove();
        cards.delete(target);
      }
      const order = sorted ? targets.toSorted((a, b) => rank(b) - rank(a)) : targets;
      order.forEach((target, at) => {
        const card = cards.get(target) ?? { item: el('li') };
        cards.set(target, card);
        fill(target, card, map);
        if (list.children[at] !== card.item) list.insertBefore(card.item, list.children[at] ?? null);
      });
      list.hidden = targets.length === 0;
    },
  };
}

/** Order of targets: those without a prediction come last. */
function rank({ found }: Target): number {
  return found === undefined ? -1 : uncertaintyOf(found);
}

function uncertaintyOf({ quality }: MaskPrediction): number {
  return 1 - quality.score;
}

function facts(found: MaskPrediction): HTMLElement {
  const { area, method } = found;
  const uncertainty = uncertaintyOf(found);
  const meter = el('meter', { min: 0, max: 1, low: 0.35, high: 0.6, optimum: 0, value: uncertainty, 'aria-label': 'Uncertainty' });
  const text = area === 0 ? 'not found' : `${Math.round(uncertainty * 100)} % uncertain`;
  return el('div', { class: 'found', title: `by the method ${method}` }, meter, el('span', {}, text));
}

function button(text: string, label: string, click: () => void, disabled = false): HTMLButtonElement {
  return el('button', { type: 'button', 'aria-label': label, disabled, click }, text);
}

function spoken({ picture, state, found }: Target, map: boolean): string {
  if (!found) return `${picture.name}, ${state === 'running' ? 'being looked at' : 'no mask yet'}`;
  if (found.area === 0) return `${picture.name}: the object was not found`;
  const share = Math.round((100 * found.area) / (picture.width * picture.height));
  return `${picture.name} with ${map ? 'its uncertainty' : `its mask, ${share} % of the picture`}, ${Math.round(uncertaintyOf(found) * 100)} % uncertain`;
}
