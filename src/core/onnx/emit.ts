/** From a network function to an ONNX model in memory whose weights stay in their checkpoint. */
import type { Checkpoint, CheckpointTensor } from '../checkpoint/checkpoint.ts';
import type { Dtype } from '../checkpoint/formats/safetensors.ts';
import { weightsFrom, type Ops, type Shape, type Weights } from '../networks/ops.ts';
import { onnxModelBytes, type ElementType } from './graph-file.ts';
import { GraphBuilder, type GraphValue } from './onnx-ops.ts';
import { preciseOps, type PreciseOps, type Precision } from './precision.ts';

const ELEMENT_TYPES: Partial<Record<Dtype, ElementType>> = { F32: 'f32', F16: 'f16', BF16: 'bf16' };

type Values<T, K extends string = string> = Readonly<Record<K, T>>;

/** A network with named inputs and outputs, independent of where its weights come from. */
export interface NetworkDefinition {
  name: string;
  inputs: Values<Shape>;
  build<T>(ops: Ops<T>, weights: Weights<T>, inputs: Values<T>): Values<T>;
}

/** A definition whose `build` knows its inputs by name. */
export function defineNetwork<K extends string>(
  name: string,
  inputs: Values<Shape, K>,
  build: <T>(ops: Ops<T>, weights: Weights<T>, inputs: Values<T, K>) => Values<T>,
): NetworkDefinition {
  return { name, inputs, build };
}

export interface EmittedModel {
  name: string;
  bytes: Uint8Array;
  /** Folder the weights are read from, if any stay outside. */
  folder?: string;
  /** The files below it. */
  files?: readonly string[];
  /** Bytes of the weights read from there. */
  weightBytes?: number;
}

/** Weights as part of the model, read in place from a checkpoint. precision: what the network computes in. @default 'fp32' */
export function emitWithFile(
  definition: NetworkDefinition,
  checkpoint: Checkpoint | undefined,
  precision: Precision = 'fp32',
): EmittedModel {
  const graph = new GraphBuilder();
  const precise = preciseOps(graph, precision);
  const known = new Map<string, GraphValue>();
  let weightBytes = 0;
  const weights = weightsFrom((name) => {
    const existing = known.get(name);
    if (existing) return existing;
    const tensor = checkpoint?.tensors.get(name);
    if (tensor === undefined) throw new Error(`${definition.name}: the checkpoint has no ${name}`);
    weightBytes += tensor.byteLength;
    const value = storedValue(graph, name, tensor, precise.type);
    known.set(name, value);
    return value;
  });
  const bytes = finish(graph, definition, weights, precise);
  return { name: definition.name, bytes, ...(checkpoint && { folder: checkpoint.folder, files: checkpoint.files, weightBytes }) };
}

/** Value as stored in its files: parts are put together and brought to `wanted` inside the graph, once, when the session is made. */
function storedValue(graph: GraphBuilder, name: string, { dtype, shape, parts }: CheckpointTensor, wanted: PreciseOps['type']): GraphValue {
  const type = ELEMENT_TYPES[dtype];
  if (type === undefined) throw new Error(`${name} is of type ${dtype}, which no network reads`);
  const values = parts.map((part, i) => {
    const stored = graph.initializer(type, part.shape, part, i === 0 ? weightInput(name) : `${weightInput(name)} part ${i}`);
    return type === wanted ? stored : graph.cast(stored, wanted);
  });
  return values.length === 1 ? (values[0] as GraphValue) : graph.node('Concat', values, shape, { axis: 0 });
}

/** Name under which a weight stands in a model, apart from its inputs and outputs. */
export function weightInput(name: string): string {
  return `weight ${name}`;
}

/** Weights as further inputs of the model, named by `weightInput`: new values need no new session. */
export function emitWithWeightInputs(definition: NetworkDefinition): EmittedModel {
  const graph = new GraphBuilder();
  const known = new Map<string, GraphValue>();
  const weights = weightsFrom((name, shape) => {
    const value = known.get(name) ?? graph.input(weightInput(name), shape);
    known.set(name, value);
    return value;
  });
  return { name: definition.name, bytes: finish(graph, definition, weights, preciseOps(graph, 'fp32')) };
}

/** Names and shapes of every weight the networks ask for. */
export function tensorsNeeded(...definitions: readonly NetworkDefinition[]): Map<string, readonly number[]> {
  const needed = new Map<string, readonly number[]>();
  for (const definition of definitions) rehearse(definition, (name, shape) => needed.set(name, shape));
  return needed;
}

/** Shape of every output, worked out without weights. */
export function outputShapes(definition: NetworkDefinition): Record<string, Shape> {
  const values = rehearse(definition, () => undefined);
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, value.shape]));
}

function rehearse(definition: NetworkDefinition, onWeight: (name: string, shape: readonly number[]) => void): Values<GraphValue> {
  const weights = weightsFrom((name, shape): GraphValue => {
    onWeight(name, shape);
    return { name, shape };
  });
  const graph = new GraphBuilder();
  return build(graph, definition, weights, preciseOps(graph, 'fp32'));
}

/** Inputs and outputs are in single precision, whatever lies between. */
function build(
  graph: GraphBuilder,
  definition: NetworkDefinition,
  weights: Weights<GraphValue>,
  { ops, type }: PreciseOps,
): Values<GraphValue> {
  const inputs: Record<string, GraphValue> = {};
  for (const [name, shape] of Object.entries(definition.inputs)) {
    const input = graph.input(name, shape);
    inputs[name] = type === 'f32' ? input : graph.cast(input, type);
  }
  return definition.build(ops, weights, inputs);
}

function finish(graph: GraphBuilder, definition: NetworkDefinition, weights: Weights<GraphValue>, precise: PreciseOps): Uint8Array {
  const values = build(graph, definition, weights, precise);
  const outputs = Object.entries(values).map(([name, value]) => {
    const last = precise.type === 'f32' ? value : graph.cast(value, 'f32');
    graph.nodes.push({ op: 'Identity', inputs: [last.name], output: name });
    return { name, shape: value.shape };
  });
  const { nodes, initializers } = needed(graph, new Set(outputs.map(({ name }) => name)));
  return onnxModelBytes({ name: definition.name, nodes, initializers, inputs: graph.inputs, outputs });
}

/** Nodes and initializers that lead to an output. A network may offer more than is asked for, and a runtime would compute it. */
function needed({ nodes, initializers }: GraphBuilder, wanted: Set<string>): Pick<GraphBuilder, 'nodes' | 'initializers'> {
  const kept = nodes.toReversed().filter((node) => {
    const used = wanted.has(node.output);
    if (used) for (const input of node.inputs) wanted.add(input);
    return used;
  });
  return { nodes: kept.reverse(), initializers: initializers.filter(({ name }) => wanted.has(name)) };
}
