/** Reading of a task's data as the labeling configuration names it: values, labels, pages. */
import { z } from 'zod';
import { ProsamError } from '../../../core/common/errors.ts';
import type { ImageObject, LabelConfig } from './label-config.ts';

/** Images of one task; what has more is refused as a whole. */
const MAX_PAGES = 200;
/** Labels that the data of one task may add to a control. */
const MAX_LABELS = 1000;

const text = z.string().min(1).max(500).optional().catch(undefined);
const labelSchema = z.object({ alias: text, value: text, children: z.unknown().optional() });

/** Value under a name, or where there is none under a path of names and places such as `photo.url` or `pages.0`, as the editor reads it. */
export function valueAt(data: Readonly<Record<string, unknown>>, path: string): unknown {
  if (Object.hasOwn(data, path)) return data[path];
  let held: unknown = data;
  for (const name of path.split('.')) {
    if (typeof held !== 'object' || held === null || !Object.hasOwn(held, name)) return undefined;
    held = (held as Record<string, unknown>)[name];
  }
  return held;
}

/** Whether tasks bring labels of their own. */
export function hasLabelsOfTasks({ controls }: LabelConfig): boolean {
  return controls.some(({ labelsField }) => labelsField !== undefined);
}

/** The configuration as the editor shows it for one task: with the labels that its data adds. */
export function configOfTask(config: LabelConfig, data: Readonly<Record<string, unknown>>): LabelConfig {
  if (!hasLabelsOfTasks(config)) return config;
  const controls = config.controls.map(({ labelsField, ...control }) => {
    const added = labelsField === undefined ? [] : labelsIn(valueAt(data, labelsField));
    return { ...control, labels: [...new Set([...control.labels, ...added])] };
  });
  return { ...config, controls };
}

/** A list of objects with a `value` and, in its place in regions, an `alias`; `children` have the same form. The editor reads nothing else. */
function labelsIn(value: unknown): string[] {
  const found: string[] = [];
  const waiting: unknown[] = [value];
  while (waiting.length > 0 && found.length < MAX_LABELS) {
    const list = waiting.pop();
    if (!Array.isArray(list)) continue;
    for (const one of list.slice(0, MAX_LABELS)) {
      const label = labelSchema.safeParse(one);
      if (!label.success) continue;
      const { alias, value: own, children } = label.data;
      const text = alias ?? own;
      if (text !== undefined) found.push(text);
      waiting.push(children);
    }
  }
  return found;
}

/** Images an object of the configuration shows of a task: one, or as many as its list has. @throws REQUEST_INVALID for more than 200 */
export function pagesOf({ field, pages }: ImageObject, data: Readonly<Record<string, unknown>>): number {
  const held = pages === true ? valueAt(data, field) : undefined;
  if (!Array.isArray(held)) return 1;
  // An empty one lacks its first image, which whoever reads it says.
  if (held.length <= MAX_PAGES) return Math.max(1, held.length);
  throw new ProsamError(
    'REQUEST_INVALID',
    `expected at most ${MAX_PAGES} images in ${JSON.stringify(field)}, got ${held.length}. Import them as several tasks.`,
  );
}
