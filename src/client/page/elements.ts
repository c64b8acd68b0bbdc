/** Elements from data: text is only ever text, so that labels and names from strangers never become markup. */

/** Text, an element, or nothing. */
export type Child = Node | string | undefined;
/** Attributes by name; functions listen to the event of that name. `true` sets an empty attribute, `false` and undefined none. */
export type Attributes = Readonly<Record<string, string | number | boolean | undefined | ((event: Event) => void)>>;

const SVG_NAMESPACE = 'http://www.w3.org/2000/svg';

/** A new element of HTML. */
export function el<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[K] {
  return fill(document.createElement(tag), attributes, children);
}

/** A new element of SVG. */
export function svg<K extends keyof SVGElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: readonly Child[]
): SVGElementTagNameMap[K] {
  return fill(document.createElementNS(SVG_NAMESPACE, tag), attributes, children);
}

function fill<T extends Element>(node: T, attributes: Attributes, children: readonly Child[]): T {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === false) continue;
    if (typeof value === 'function') node.addEventListener(name, value);
    else node.setAttribute(name, value === true ? '' : String(value));
  }
  node.append(...children.filter((child) => child !== undefined));
  return node;
}

/**
 * The element of an id that the page is known to hold.
 * @throws Error where there is none, or one of another kind
 */
export function element(id: string): HTMLElement;
export function element<T extends HTMLElement>(id: string, kind: new () => T): T;
export function element(id: string, kind: new () => HTMLElement = HTMLElement): HTMLElement {
  const found: Element | null = document.getElementById(id);
  if (found instanceof kind) return found;
  throw new Error(`Element #${id} of the page: expected ${kind.name}, got ${found?.tagName ?? 'none'}.`);
}

/** The canvas's 2D context, for pixels that are read back often. @throws Error where the browser gives none */
export function context2d(canvas: HTMLCanvasElement): CanvasRenderingContext2D {
  const context = canvas.getContext('2d', { willReadFrequently: true });
  if (context === null) throw new Error('Expected a 2D context of the canvas, got none. Close other pages that draw much, and reload.');
  return context;
}
