/** ONNX Runtime's WebAssembly build in Node, with weights from a folder. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { webRuntime, type WebRuntime } from '../../src/core/runtime/web/ort-web.ts';

/** Weight files in a folder, by name. */
export function weightFiles(folder: string): Map<string, Uint8Array> {
  const names = readdirSync(folder).filter((name) => name.endsWith('.safetensors'));
  return new Map(names.map((name) => [name, new Uint8Array(readFileSync(join(folder, name)))]));
}

export async function wasmRuntime(folder: string): Promise<WebRuntime> {
  return webRuntime({ device: 'wasm', files: weightFiles(folder) });
}
