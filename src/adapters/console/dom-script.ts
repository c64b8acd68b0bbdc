/** In the browser: elements from data without ever parsing text as markup, words for times and numbers, and requests. */

export const DOM_SCRIPT = String.raw`
const SVG = 'http://www.w3.org/2000/svg';

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === false) continue;
    if (typeof value === 'function') node.addEventListener(name, value);
    else node.setAttribute(name, value === true ? '' : String(value));
  }
  for (const child of children.flat()) if (child !== undefined && child !== null) node.append(child);
  return node;
}

/** Children are nodes or text; text is only ever text. */
export function el(name, attributes = {}, ...children) {
  return fill(document.createElement(name), attributes, children);
}

export function svg(name, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, name), attributes, children);
}

export function byId(id) {
  return document.getElementById(id);
}

const drawn = new Map();

/** Fills a place anew only where its data changed, and keeps the keyboard where it was. */
export function show(id, data, draw) {
  const text = JSON.stringify(data);
  if (drawn.get(id) === text) return;
  drawn.set(id, text);
  const place = byId(id);
  const key = place.contains(document.activeElement) ? document.activeElement.dataset.key : undefined;
  place.replaceChildren(...[draw(data)].flat());
  if (key !== undefined) [...place.querySelectorAll('[data-key]')].find((one) => one.dataset.key === key)?.focus();
}

export function forget(...ids) {
  for (const id of ids) drawn.delete(id);
}

export function empty(text) {
  return el('p', { class: 'empty' }, text);
}

export function pill(text, kind = '') {
  return el('span', { class: 'pill ' + kind }, text);
}

const UNITS = [[86400000, 'day'], [3600000, 'hour'], [60000, 'minute']];

function agoText(ms) {
  const passed = Date.now() - ms;
  const [size, name] = UNITS.find(([length]) => passed >= length) ?? [1, ''];
  const count = Math.floor(passed / size);
  return name === '' ? 'just now' : count + ' ' + name + (count === 1 ? '' : 's') + ' ago';
}

/** "3 minutes ago", with the exact time for those who point at it. */
export function ago(ms) {
  return el('time', { datetime: new Date(ms).toISOString(), title: new Date(ms).toLocaleString() }, agoText(ms));
}

export function refreshTimes() {
  for (const time of document.querySelectorAll('time')) {
    const text = agoText(Date.parse(time.dateTime));
    if (time.textContent !== text) time.textContent = text;
  }
}

export function duration(seconds) {
  if (seconds < 90) return Math.round(seconds) + ' s';
  if (seconds < 5400) return Math.round(seconds / 60) + ' min';
  return seconds < 172800 ? (seconds / 3600).toFixed(1) + ' h' : Math.floor(seconds / 86400) + ' days';
}

export function figure(value, digits = 3) {
  return Number.isFinite(value) ? value.toFixed(digits) : '-';
}

const TOKEN = 'prosam-token';

export function token() {
  return sessionStorage.getItem(TOKEN) ?? '';
}

export function keepToken(value) {
  if (value === '') sessionStorage.removeItem(TOKEN);
  else sessionStorage.setItem(TOKEN, value);
}

/** A refusal of the service, with what to do about it. */
export class Refused extends Error {
  constructor(status, error) {
    super(error?.message ?? 'The service answered ' + status + '.');
    this.status = status;
    this.hint = error?.hint ?? '';
  }
}

async function request(path, options = {}) {
  const headers = { ...options.headers };
  if (token() !== '') headers.authorization = 'Bearer ' + token();
  const response = await fetch(path, { ...options, headers });
  if (response.ok) return response;
  const body = await response.json().catch(() => undefined);
  throw new Refused(response.status, body?.error);
}

export async function read(path) {
  return (await request(path)).json();
}

export async function send(method, path, body) {
  const json = body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } };
  return (await request(path, { method, ...json })).json();
}

/** The picture as an address of this page: pictures need the token too. */
export async function picture(path) {
  return URL.createObjectURL(await (await request(path)).blob());
}
`;
