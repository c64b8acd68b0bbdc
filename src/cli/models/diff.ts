/** Two versions side by side: their metrics and the changes of their weights. */
import { openModel } from '../../core/checkpoint/model-folder.ts';
import { floatsFromTensor, parseSafetensors } from '../../core/checkpoint/formats/safetensors.ts';
import type { FloatTensor } from '../../core/checkpoint/read-tensors.ts';
import { ProsamError } from '../../core/common/errors.ts';
import { modelFolder } from '../../core/runtime/node/open-engine.ts';
import type { Storage } from '../../service/ports/storage.ts';
import { BASE, notFound } from '../../service/serving.ts';
import { gainText, gateOf, labelLines, percent, type GateSummary } from './text.ts';
import { textTable } from '../common/text-table.ts';

type Weights = ReadonlyMap<string, FloatTensor>;

/** Relative change of the weights in one part of the network. */
export interface WeightChange {
  part: string;
  parameters: number;
  /** |other - one| / |one| */
  change: number;
}

export async function differenceOf(storage: Storage, one: string, other: string, model: string) {
  const [a, b] = [await sideOf(storage, one, model), await sideOf(storage, other, model)];
  const changes = weightChanges(a.weights, b.weights);
  const metrics = (side: Side) => [
    side.id,
    side.parent,
    percent(side.gate.candidate),
    gainText(side.gate),
    String(side.gate.pairs ?? '-'),
    side.data,
    side.made,
  ];
  return {
    lines: [
      textTable({
        head: ['id', 'parent', 'mIoU at its gate', 'gain (95 %)', 'pairs', 'data', 'made (UTC)'],
        rows: [metrics(a), metrics(b)],
      }),
      ...[a, b].flatMap(({ id, gate }) =>
        gate.labels === undefined ? [] : ['', `${id}: ${sizeText(gate)}`, ...labelLines(gate).slice(1)],
      ),
      '',
      textTable({
        head: ['part', 'parameters', 'change in %'],
        rows: changes.map(({ part, parameters, change }) => [part, String(parameters), (100 * change).toFixed(3)]),
      }),
    ],
    document: { one: { ...a, weights: undefined }, other: { ...b, weights: undefined }, changes },
  };
}

function sizeText({ pairs, images, changed }: GateSummary): string {
  const facts = [
    images === undefined ? [] : [`${images} images`],
    changed === undefined ? [] : [`${changed} masks changed visibly`],
  ].flat();
  return [`${pairs ?? 0} held-out pairs`, ...facts].join(', ');
}

/** Changes by part, largest first; a part is named by the first piece of its parameters' names. @throws CHECKPOINT_MISMATCH */
export function weightChanges(one: Weights, other: Weights): WeightChange[] {
  const parts = new Map<string, { parameters: number; difference: number; length: number }>();
  for (const [name, { data }] of one) {
    const counterpart = other.get(name)?.data;
    if (counterpart?.length !== data.length)
      throw new ProsamError(
        'CHECKPOINT_MISMATCH',
        `${name}: expected the same parameters in both versions, but only one has it in this shape.`,
      );
    const part = name.split('.', 1)[0] as string;
    const sum = parts.get(part) ?? { parameters: 0, difference: 0, length: 0 };
    sum.parameters += data.length;
    data.forEach((value, i) => {
      sum.difference += ((counterpart[i] as number) - value) ** 2;
      sum.length += value ** 2;
    });
    parts.set(part, sum);
  }
  return [...parts]
    .map(([part, { parameters, difference, length }]) => ({
      part,
      parameters,
      change: Math.sqrt(difference / Math.max(length, Number.MIN_VALUE)),
    }))
    .sort((a, b) => b.change - a.change);
}

interface Side {
  id: string;
  parent: string;
  gate: GateSummary;
  data: string;
  made: string;
  weights: Weights;
}

async function sideOf({ store, blobs }: Storage, id: string, model: string): Promise<Side> {
  if (id === BASE) {
    const { promptEncoder } = await openModel(modelFolder(model));
    if (promptEncoder === undefined)
      throw new ProsamError('METHOD_UNAVAILABLE', `the model ${model} has no prompt encoder of its own to compare with.`);
    return { id, parent: '-', gate: {}, data: '-', made: '-', weights: promptEncoder };
  }
  const version = await store.versions.get(id);
  const bytes = version && (await blobs.get(version.weights));
  if (version === undefined || bytes === undefined) throw notFound(id);
  const weights = new Map<string, FloatTensor>();
  for (const [name, entry] of parseSafetensors(bytes, id).tensors) {
    const part = bytes.subarray(entry.offset, entry.offset + entry.byteLength);
    weights.set(name, { data: floatsFromTensor(entry, part, `${id}: ${name}`), shape: entry.shape });
  }
  const made = new Date(version.createdMs).toISOString().slice(0, 16);
  return { id, parent: version.parent ?? BASE, gate: gateOf(version), data: version.data.slice(0, 12), made, weights };
}
