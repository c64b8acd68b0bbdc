/** The files of the page, as the browser gets them: no build step, nothing from elsewhere. */
import { CHARTS_SCRIPT } from './charts-script.ts';
import { DOM_SCRIPT } from './dom-script.ts';
import { MAIN_SCRIPT } from './main-script.ts';
import { MASKS_SCRIPT } from './masks-script.ts';
import { PAGE } from './page.ts';
import { PICTURES_SCRIPT } from './pictures-script.ts';
import { STYLE } from './style.ts';
import { TABLES_SCRIPT } from './tables-script.ts';

export interface PageFile {
  path: string;
  /** Content type. */
  type: string;
  text: Uint8Array;
}

const HTML = 'text/html; charset=utf-8';
const CSS = 'text/css; charset=utf-8';
const ICON = 'image/svg+xml';
const SCRIPT = 'text/javascript; charset=utf-8';

/** A thing and its outline. */
const ICON_PICTURE =
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="8" fill="#0060a8"/>' +
  '<path d="M9 20c-4-8 3-13 8-11s9 1 7 8-12 9-15 3z" fill="#56b4e9" stroke="#fff" stroke-width="2.5"/></svg>';

/** Scripts are modules that import each other by these paths. */
export function pageFiles(): PageFile[] {
  const files: readonly [path: string, type: string, text: string][] = [
    ['/', HTML, PAGE],
    ['/console/style.css', CSS, STYLE],
    ['/console/icon.svg', ICON, ICON_PICTURE],
    ['/console/main.js', SCRIPT, MAIN_SCRIPT],
    ['/console/dom.js', SCRIPT, DOM_SCRIPT],
    ['/console/charts.js', SCRIPT, CHARTS_SCRIPT],
    ['/console/masks.js', SCRIPT, MASKS_SCRIPT],
    ['/console/pictures.js', SCRIPT, PICTURES_SCRIPT],
    ['/console/tables.js', SCRIPT, TABLES_SCRIPT],
  ];
  return files.map(([path, type, text]) => ({ path, type, text: new TextEncoder().encode(text) }));
}
