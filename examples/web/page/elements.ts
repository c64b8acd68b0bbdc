/** The page's own elements, and what is said to those who cannot see it. */

/** The element of an id that index.html is known to hold. */
export function element(id: string): HTMLElement;
export function element<T extends HTMLElement>(id: string, kind: new () => T): T;
export function element(id: string, kind: new () => HTMLElement = HTMLElement): HTMLElement {
  const found = document.getElementById(id);
  if (!(found instanceof kind)) throw new Error(`the page has no ${kind.name} ${id}`);
  return found;
}

/** A new element with properties and children. */
export function make<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  properties: Partial<Omit<HTMLElementTagNameMap[K], 'style'>> = {},
  ...children: (Node | string)[]
): HTMLElementTagNameMap[K] {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

/** For screen readers: what just happened. */
export function announce(text: string): void {
  element('status').textContent = text;
}

/** What went wrong, and what to do about it; nothing takes it away. */
export function showProblem(problem: unknown): void {
  const box = element('problem');
  box.hidden = problem === undefined;
  box.textContent = problem === undefined ? '' : problem instanceof Error ? problem.message : JSON.stringify(problem);
}

export function context2d(canvas: HTMLCanvasElement): CanvasRenderingContext2D {
  const context = canvas.getContext('2d', { willReadFrequently: true });
  if (context === null) throw new Error('this browser gives no canvas to draw on');
  return context;
}
