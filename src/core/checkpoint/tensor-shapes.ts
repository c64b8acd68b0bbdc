/** Reading a configuration off a checkpoint's names and shapes. */
import { ProsamError } from '../common/errors.ts';
import type { CheckpointTensors } from './checkpoint.ts';

/** Sizes of a named tensor of `rank` axes. The function returned throws CHECKPOINT_MISMATCH. */
export function shapesOf(tensors: CheckpointTensors, label: string): (name: string, rank: number) => readonly number[] {
  return (name, rank) => {
    const shape = tensors.get(name)?.shape;
    if (shape?.length === rank && shape.every((size) => size > 0)) return shape;
    const got = shape === undefined ? 'nothing' : `[${shape.join(', ')}]`;
    throw new ProsamError(
      'CHECKPOINT_MISMATCH',
      `${label}: expected ${name} with ${rank} ${rank === 1 ? 'axis' : 'axes'}, got ${got}. This is not a checkpoint of a known network.`,
    );
  };
}

/** Number of consecutive `PREFIX.0.`, `PREFIX.1.`, ... */
export function countBlocks(tensors: CheckpointTensors, prefix: string): number {
  const found = new Set<number>();
  for (const name of tensors.keys()) {
    if (!name.startsWith(`${prefix}.`)) continue;
    const [, index] = /^(\d{1,4})\./.exec(name.slice(prefix.length + 1)) ?? [];
    if (index !== undefined) found.add(Number(index));
  }
  let count = 0;
  while (found.has(count)) count++;
  return count;
}
