/** The target pictures as cards: waiting, being computed, found, or failed. */
import type { MaskPrediction } from 'prosam/web';
import { make } from './elements.ts';
import { paintResult } from './paint.ts';
import type { Picture } from './picture.ts';

export interface Target {
  picture: Picture;
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
  /** What was drawn last, so that nothing is drawn twice. */
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
    const canvas = make('canvas');
    canvas.setAttribute('role', 'img');
    canvas.setAttribute('aria-label', spoken(target, map));
    paintResult(canvas, picture.bitmap, found, map);
    const frame = make('div', { className: 'frame' }, canvas);
    if (state === 'running') {
      const busy = make('progress', { className: 'busy' });
      busy.setAttribute('aria-label', `Looking in ${picture.name}`);
      frame.append(busy);
    }
    const parts: Node[] = [frame, make('p', { className: 'name', title: picture.name }, picture.name)];
    if (found) parts.push(facts(found));
    if (problem !== undefined) parts.push(make('p', { className: 'failed' }, problem));
    const save = make('button', { type: 'button', disabled: !found, ariaLabel: `Save the mask of ${picture.name}` }, 'Save');
    save.addEventListener('click', () => onSave(target));
    const remove = make('button', { type: 'button', ariaLabel: `Remove ${picture.name}` }, 'Remove');
    remove.addEventListener('click', () => onRemove(target));
    parts.push(make('div', { className: 'card-buttons' }, save, remove));
    card.item.replaceChildren(...parts);
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
        const card = cards.get(target) ?? { item: make('li') };
        cards.set(target, card);
        fill(target, card, map);
        if (list.children[at] !== card.item) list.insertBefore(card.item, list.children[at] ?? null);
      });
      list.hidden = targets.length === 0;
    },
  };
}

/** What has no answer yet comes last. */
function rank({ found }: Target): number {
  return found === undefined ? -1 : uncertaintyOf(found);
}

function uncertaintyOf({ quality }: MaskPrediction): number {
  return 1 - quality.score;
}

function facts(found: MaskPrediction): HTMLElement {
  const { area, method } = found;
  const uncertainty = uncertaintyOf(found);
  const meter = make('meter', { min: 0, max: 1, low: 0.35, high: 0.6, optimum: 0, value: uncertainty });
  meter.setAttribute('aria-label', 'Uncertainty');
  const text = area === 0 ? 'not found' : `${Math.round(uncertainty * 100)} % uncertain`;
  return make('div', { className: 'found', title: `by the method ${method}` }, meter, make('span', {}, text));
}

function spoken({ picture, state, found }: Target, map: boolean): string {
  if (!found) return `${picture.name}, ${state === 'running' ? 'being looked at' : 'no mask yet'}`;
  if (found.area === 0) return `${picture.name}: the object was not found`;
  const share = Math.round((100 * found.area) / (picture.width * picture.height));
  return `${picture.name} with ${map ? 'its uncertainty' : `its mask, ${share} % of the picture`}, ${Math.round(uncertaintyOf(found) * 100)} % uncertain`;
}
