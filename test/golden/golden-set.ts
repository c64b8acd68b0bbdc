/** A directory of golden numbers: a manifest, case files and the weights of tiny networks. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseSafetensors, type SafetensorsIndex } from '../../src/core/checkpoint/formats/safetensors.ts';
import type { Runtime } from '../../src/core/onnx/session.ts';
import type { Tf } from '../../src/training/tfjs/tfjs-ops.ts';

export interface Expectation {
  shape: number[];
  dtype: 'f32' | 'u8' | 'i32';
  atol?: number;
  rms_atol?: number;
  max_differing?: number;
  min_iou?: number;
  max_level_diff?: number;
}

export interface CaseEntry {
  name: string;
  /** What several cases have in common. @default the name */
  kind?: string;
  file: string;
  weights: string[];
  params?: Record<string, unknown>;
  expected: Record<string, Expectation>;
}

export interface GoldenManifest {
  set: string;
  cases: CaseEntry[];
  weights: Record<string, { file: string; config: Record<string, unknown> }>;
}

export interface NumberTensor {
  data: Float32Array | Uint8Array | Int32Array;
  shape: readonly number[];
}

export interface GoldenSet {
  dir: string;
  manifest: GoldenManifest;
  engines: Engines;
}

export interface Engines {
  /** TensorFlow.js, for everything that is differentiated. */
  tf?: Tf;
  /** What runs the networks' forward cases. @default 'onnx' */
  networks?: 'onnx' | 'tfjs';
  /** What 'onnx' stands for. @default ONNX Runtime's CPU */
  runtime?: Runtime;
  /** Multiple of the cases' own bounds on floats that still counts as hit. @default 1 */
  slack?: number;
}

export function openGoldenSet(dir: string, engines: Engines = {}): GoldenSet {
  return { dir, manifest: JSON.parse(readFileSync(join(dir, 'manifest.json'), 'utf8')) as GoldenManifest, engines };
}

/** All tensors of a small safetensors file in memory. */
export function readTensors(path: string): Map<string, NumberTensor> {
  const bytes = readFileSync(path);
  const index: SafetensorsIndex = parseSafetensors(bytes, path);
  const out = new Map<string, NumberTensor>();
  for (const [name, entry] of index.tensors) {
    const raw = new Uint8Array(bytes.subarray(entry.offset, entry.offset + entry.byteLength)).buffer;
    const data = { F32: Float32Array, U8: Uint8Array, I32: Int32Array }[entry.dtype as 'F32' | 'U8' | 'I32'];
    out.set(name, { data: new data(raw), shape: entry.shape });
  }
  return out;
}

/** The inputs and expected outputs of one case. */
export class GoldenCase {
  readonly set: GoldenSet;
  readonly entry: CaseEntry;
  readonly #tensors: Map<string, NumberTensor>;

  constructor(set: GoldenSet, entry: CaseEntry) {
    this.set = set;
    this.entry = entry;
    this.#tensors = readTensors(join(set.dir, entry.file));
  }

  has(name: string): boolean {
    return this.#tensors.has(`in.${name}`);
  }

  /** A float input. */
  floats(name: string): { data: Float32Array; shape: readonly number[] } {
    const { data, shape } = this.#input(name);
    return { data: data instanceof Float32Array ? data : Float32Array.from(data), shape };
  }

  bytes(name: string): { data: Uint8Array; shape: readonly number[] } {
    const { data, shape } = this.#input(name);
    return { data: data instanceof Uint8Array ? data : Uint8Array.from(data), shape };
  }

  expected(name: string): NumberTensor {
    const tensor = this.#tensors.get(`out.${name}`);
    if (tensor === undefined) throw new Error(`${this.entry.file} has no out.${name}`);
    return tensor;
  }

  param(name: string): unknown {
    const value = this.entry.params?.[name];
    if (value === undefined) throw new Error(`${this.entry.name} has no parameter ${name}`);
    return value;
  }

  #input(name: string): NumberTensor {
    const tensor = this.#tensors.get(`in.${name}`);
    if (tensor === undefined) throw new Error(`${this.entry.file} has no in.${name}`);
    return tensor;
  }
}
