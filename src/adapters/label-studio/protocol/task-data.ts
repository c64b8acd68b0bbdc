/** Reading of a task's data as the labeling configuration names it: values, labels, pages. */
import { z } from 'zod';
import { ProsamError } from '../../../core/common/errors.ts';
import { MAX_CONFIG_LABELS, type ImageObject, type LabelConfig } from './label-config.ts';

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

/** The configuration as the editor shows it for one task: with the labels that its data adds. @throws REQUEST_INVALID for too many of them */
export function configOfTask(config: LabelConfig, data: Readonly<Record<string, unknown>>): LabelConfig {
  if (!hasLabelsOfTasks(config)) return config;
  const fields = new Map<string, readonly string[]>();
  const addedBy = (field: string): readonly string[] => {
    const added = fields.get(field) ?? labelsIn(valueAt(data, field));
    fields.set(field, added);
    return added;
  };
  let count = 0;
  const controls = config.controls.map(({ labelsField, ...control }) => {
    if (labelsField === undefined) return control;
    const labels = [...new Set([...control.labels, ...addedBy(labelsField)])];
    count += labels.length;
    if (count > MAX_CONFIG_LABELS) throw tooManyLabels();
    return { ...control, labels };
  });
  return { ...config, controls };
}

function tooManyLabels(): ProsamError {
  return new ProsamError(
    'REQUEST_INVALID',
    `expected a task that adds at most ${MAX_CONFIG_LABELS} labels to the controls of its configuration, got more. Let fewer controls take labels of tasks.`,
  );
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
