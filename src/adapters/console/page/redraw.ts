/** Places of the page that are drawn anew where their data changed. */
import { element, type Child } from '../../../client/page/elements.ts';

/** Data as it was drawn, by place. */
const drawn = new Map<string, string>();

/** Draws into the place of this id unless it shows the same data already; the keyboard's focus stays where it was. */
export function show<T>(id: string, data: T, draw: (data: T) => Child | readonly Child[]): void {
  const text = JSON.stringify(data);
  if (drawn.get(id) === text) return;
  drawn.set(id, text);
  const place = element(id);
  const focused = document.activeElement;
  const key = focused instanceof HTMLElement && place.contains(focused) ? focused.dataset['key'] : undefined;
  place.replaceChildren(...[draw(data)].flat().filter((child) => child !== undefined));
  if (key === undefined) return;
  [...place.querySelectorAll<HTMLElement>('[data-key]')].find((one) => one.dataset['key'] === key)?.focus();
}

/** Draws everything anew next time. */
export function forgetDrawn(): void {
  drawn.clear();
}
