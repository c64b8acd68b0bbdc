/** Writes an ONNX ModelProto (field numbers of onnx.proto3). Weights stay where they are: tensors may point into another file. */
import type { Shape } from '../networks/ops.ts';
import { ProtobufWriter } from './protobuf.ts';

/** Gelu needs 20. */
const OPSET = 20;
const IR_VERSION = 9;

export const ELEMENT_TYPE = { f32: 1, i8: 3, i64: 7, f16: 10, bf16: 16 } as const;
export type ElementType = keyof typeof ELEMENT_TYPE;

export type OnnxAttribute = number | readonly number[] | string | { float: number };

export interface OnnxNode {
  op: string;
  /** Operator set other than ONNX's own. */
  domain?: 'com.microsoft';
  inputs: readonly string[];
  output: string;
  attributes?: Readonly<Record<string, OnnxAttribute>>;
}

export interface OnnxInitializer {
  name: string;
  type: ElementType;
  shape: readonly number[];
  /** Inline bytes, little endian, or a place in a file beside the model. */
  data: Uint8Array | { file: string; offset: number; byteLength: number };
}

export interface OnnxValue {
  name: string;
  shape: Shape;
}

export interface OnnxGraph {
  name: string;
  nodes: readonly OnnxNode[];
  initializers: readonly OnnxInitializer[];
  inputs: readonly OnnxValue[];
  outputs: readonly OnnxValue[];
}

export function onnxModelBytes(graph: OnnxGraph): Uint8Array {
  return new ProtobufWriter()
    .int(1, IR_VERSION)
    .string(2, 'prosam')
    .message(7, (g) => {
      for (const node of graph.nodes) g.message(1, (n) => writeNode(n, node));
      g.string(2, graph.name);
      for (const initializer of graph.initializers) g.message(5, (t) => writeTensor(t, initializer));
      for (const input of graph.inputs) g.message(11, (v) => writeValue(v, input));
      for (const output of graph.outputs) g.message(12, (v) => writeValue(v, output));
    })
    .message(8, (opset) => opset.string(1, '').int(2, OPSET))
    .message(8, (opset) => opset.string(1, 'com.microsoft').int(2, 1))
    .finish();
}

function writeNode(out: ProtobufWriter, node: OnnxNode): void {
  for (const input of node.inputs) out.string(1, input);
  out.string(2, node.output).string(3, node.output).string(4, node.op);
  if (node.domain !== undefined) out.string(7, node.domain);
  for (const [name, value] of Object.entries(node.attributes ?? {})) {
    out.message(5, (a) => {
      a.string(1, name);
      if (typeof value === 'number') a.int(3, value).int(20, 2);
      else if (typeof value === 'string') a.string(4, value).int(20, 3);
      else if ('float' in value) a.float(2, value.float).int(20, 1);
      else {
        for (const item of value) a.int(8, item);
        a.int(20, 7);
      }
    });
  }
}

function writeTensor(out: ProtobufWriter, tensor: OnnxInitializer): void {
  for (const dim of tensor.shape) out.int(1, dim);
  out.int(2, ELEMENT_TYPE[tensor.type]).string(8, tensor.name);
  const { data } = tensor;
  if (data instanceof Uint8Array) {
    out.bytes(9, data);
    return;
  }
  const entry = (key: string, value: string): void => {
    out.message(13, (e) => e.string(1, key).string(2, value));
  };
  entry('location', data.file);
  entry('offset', String(data.offset));
  entry('length', String(data.byteLength));
  out.int(14, 1); // data_location = EXTERNAL
}

function writeValue(out: ProtobufWriter, value: OnnxValue): void {
  out.string(1, value.name).message(2, (type) =>
    type.message(1, (tensor) => {
      tensor.int(1, ELEMENT_TYPE.f32).message(2, (shape) => {
        for (const dim of value.shape) {
          shape.message(1, (d) => (typeof dim === 'number' ? d.int(1, dim) : d.string(2, dim)));
        }
      });
    }),
  );
}
