/** ONNX Runtime's WebAssembly build in Node, with the weights of a golden set. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { webRuntime, type WebRuntime } from '../../src/core/runtime/web/ort-web.ts';

/** Weight files of a golden set, by name. */
export function weightFiles(dir: string): Map<string, Uint8Array> {
  const folder = join(dir, 'weights');
  const names = readdirSync(folder).filter((name) => name.endsWith('.safetensors'));
  return new Map(names.map((name) => [name, new Uint8Array(readFileSync(join(folder, name)))]));
}

export async function wasmRuntime(dir: string): Promise<WebRuntime> {
  return webRuntime({ device: 'wasm', files: weightFiles(dir) });
}
