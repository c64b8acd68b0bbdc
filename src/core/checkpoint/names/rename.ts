/** Other projects' names of the same tensors, turned into the names the networks ask for. */
import type { CheckpointTensor, CheckpointTensors } from '../checkpoint.ts';

/** The first rule whose pattern fits gives the new name; a name that none fits stays as it is. */
export type RenameRule = readonly [pattern: RegExp, replacement: string];

export function renamed(name: string, rules: readonly RenameRule[]): string {
  const rule = rules.find(([pattern]) => pattern.test(name));
  return rule === undefined ? name : name.replace(rule[0], rule[1]);
}

/** Renames tensors. Where two names become one (tied weights), the first stays. */
export function mapNames(tensors: CheckpointTensors, newName: (name: string) => string | undefined): Map<string, CheckpointTensor> {
  const out = new Map<string, CheckpointTensor>();
  for (const [name, tensor] of tensors) {
    const ours = newName(name);
    if (ours !== undefined && !out.has(ours)) out.set(ours, tensor);
  }
  return out;
}

/**
 * Prefix before a name that every such network has: `module.` of distributed training, the name of a larger model. Only tensors
 * under it count. -> undefined where no name ends in `marker`
 */
export function underMarker(tensors: CheckpointTensors, marker: string): CheckpointTensors | undefined {
  if (tensors.has(marker)) return tensors;
  const found = [...tensors.keys()].find((name) => name.endsWith(`.${marker}`));
  if (found === undefined) return undefined;
  const prefix = found.slice(0, -marker.length);
  return mapNames(tensors, (name) => (name.startsWith(prefix) ? name.slice(prefix.length) : undefined));
}

/** Several tensors as one along the first axis; undefined where they do not go together. */
export function stacked(tensors: readonly CheckpointTensor[]): CheckpointTensor | undefined {
  const [first] = tensors;
  if (first === undefined) return undefined;
  const like = first.shape.slice(1).join();
  if (tensors.some(({ dtype, shape }) => shape.length === 0 || dtype !== first.dtype || shape.slice(1).join() !== like)) return undefined;
  const rows = tensors.reduce((sum, { shape }) => sum + (shape[0] as number), 0);
  return {
    dtype: first.dtype,
    shape: [rows, ...first.shape.slice(1)],
    byteLength: tensors.reduce((sum, { byteLength }) => sum + byteLength, 0),
    parts: tensors.flatMap(({ parts }) => parts) as unknown as CheckpointTensor['parts'],
  };
}

/** Rows [from, to) of a tensor, in place; undefined where it lies in several parts. */
export function rowsOf(
  { dtype, shape, parts: [place, ...more] }: CheckpointTensor,
  from: number,
  to: number,
): CheckpointTensor | undefined {
  const [rows = 0, ...rest] = shape;
  if (more.length > 0 || rows === 0 || to > rows) return undefined;
  const rowBytes = place.byteLength / rows;
  const part = { ...place, offset: place.offset + from * rowBytes, byteLength: (to - from) * rowBytes, shape: [to - from, ...rest] };
  return { dtype, shape: part.shape, byteLength: part.byteLength, parts: [part] };
}

/** For messages about a checkpoint that is not what was wanted. */
export function firstNames(tensors: CheckpointTensors): string {
  const names = [...tensors.keys()];
  return `${names.length} tensors (${names.slice(0, 3).join(', ')}${names.length > 3 ? ', ...' : ''})`;
}
