/** The list of functions as CVAT 2.54 reads it: whatever it stumbles over makes its whole page of models an error. */

interface Label {
  name: string;
  type?: string;
  attributes: { name: string; input_type: string; values: string[] }[];
}

export interface ReadFunction {
  id: string;
  kind: string;
  name: string;
  description: string;
  version: number;
  labels: Label[];
  shapes: string[];
}

/** @throws like CVAT, for what ends its list with status 500 or leaves a function out */
export function asCvatReads(response: unknown): ReadFunction[] {
  return Object.values(response as Record<string, Record<string, never>>).map((entry) => {
    const metadata = need<Record<string, never>>(entry, 'metadata');
    const id = need<string>(metadata, 'name');
    if (!/^[a-zA-Z0-9_.-]+$/.test(id) || id === 'pth-facebookresearch-sam-vit-h') throw new Error(`the name ${id}`);
    if (need<Record<string, string>>(metadata, 'labels')['nuclio.io/project-name'] !== 'cvat') throw new Error('another project');
    const annotations = need<Record<string, unknown>>(metadata, 'annotations');
    for (const [key, value] of Object.entries(annotations)) if (typeof value !== 'string') throw new Error(`${key} is no text`);
    const texts = annotations as Record<string, string>;
    const kind = texts['type'] ?? '';
    if (!['detector', 'interactor', 'tracker', 'reid'].includes(kind)) throw new Error(`the type ${kind} is left out`);
    const version = Number(texts['version']);
    if (!Number.isInteger(version)) throw new Error('a version that is no number');
    const spec = need<string>(texts as never, 'spec');
    const labels = spec === '' ? [] : (JSON.parse(spec) as Label[]);
    const names = labels.map((label) => need<string>(label as never, 'name'));
    if (new Set(names).size !== names.length) throw new Error('labels twice');
    for (const name of names) if (Buffer.from(name, 'utf8').toString('utf8') !== name) throw new Error(`the label ${JSON.stringify(name)}`);
    for (const label of labels) for (const one of need<Label['attributes']>(label as never, 'attributes')) need(one as never, 'values');
    if ('startswith_box' in texts) throw new Error('any text there counts as a yes');
    const shapes = texts['supported_shape_types'] ?? '';
    if (kind === 'tracker' && shapes === '') throw new Error('a tracker without shapes is left out');
    for (const key of ['min_pos_points', 'min_neg_points'])
      if (kind === 'interactor' && !/^-?\d+$/.test(texts[key] ?? '')) throw new Error(key);
    const description = need<string>(need(entry, 'spec'), 'description');
    need(need(entry, 'status'), 'state');
    return { id, kind, name: texts['name'] ?? id, description, version, labels, shapes: shapes.split(',') };
  });
}

// The caller says what it is, as Python would find out.
// eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters
function need<T>(value: Record<string, never>, key: string): T {
  if (!(key in value)) throw new Error(`KeyError: ${key}`);
  return value[key] as T;
}
