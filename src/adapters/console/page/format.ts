/** Times and numbers in words, and the small elements that hold them. */
import { el } from '../../../client/page/elements.ts';

const UNITS = [
  [86_400_000, 'day'],
  [3_600_000, 'hour'],
  [60_000, 'minute'],
] as const;

function agoText(ms: number): string {
  const passed = Date.now() - ms;
  const unit = UNITS.find(([length]) => passed >= length);
  if (unit === undefined) return 'just now';
  const count = Math.floor(passed / unit[0]);
  return `${count} ${unit[1]}${count === 1 ? '' : 's'} ago`;
}

/** "3 minutes ago", with the exact time for those who point at it. */
export function ago(ms: number): HTMLTimeElement {
  return el('time', { datetime: new Date(ms).toISOString(), title: new Date(ms).toLocaleString() }, agoText(ms));
}

/** Brings all times on the page up to date. */
export function refreshTimes(): void {
  for (const time of document.querySelectorAll('time')) {
    const text = agoText(Date.parse(time.dateTime));
    if (time.textContent !== text) time.textContent = text;
  }
}

export function duration(seconds: number): string {
  if (seconds < 90) return `${Math.round(seconds)} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  return seconds < 172_800 ? `${(seconds / 3600).toFixed(1)} h` : `${Math.floor(seconds / 86_400)} days`;
}

export function decimal(value: number, digits = 3): string {
  return Number.isFinite(value) ? value.toFixed(digits) : '-';
}

/** Said where a list is empty. */
export function empty(text: string): HTMLParagraphElement {
  return el('p', { class: 'empty' }, text);
}

export type PillKind = '' | 'good' | 'warn' | 'bad';

export function pill(text: string, kind: PillKind = ''): HTMLSpanElement {
  return el('span', { class: `pill ${kind}` }, text);
}
