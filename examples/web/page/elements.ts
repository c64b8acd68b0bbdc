/** The page's own elements, and what is said to those who cannot see it. */

/** The element of an id that index.html is known to hold. */
export function element<T extends HTMLElement = HTMLElement>(id: string): T {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`the page has no element ${id}`);
  return found as T;
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
  box.textContent = problem === undefined ? '' : problem instanceof Error ? problem.message : String(problem);
}

export function context2d(canvas: HTMLCanvasElement): CanvasRenderingContext2D {
  const context = canvas.getContext('2d', { willReadFrequently: true });
  if (context === null) throw new Error('this browser gives no canvas to draw on');
  return context;
}
