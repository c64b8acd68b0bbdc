/** Built into a page: runs models that a test in Node sends, with the runtime that pages use. */
import type { WebDevice } from '../../src/core/runtime/web/device.ts';
import { webRuntime, type WebRuntime } from '../../src/core/runtime/web/ort-web.ts';
import type { Session, Tensor } from '../../src/core/onnx/session.ts';

/** A tensor as text. */
export interface SentTensor {
  base64: string;
  shape: readonly number[];
}

export interface PageRuntime {
  open(device: WebDevice, weights: readonly string[]): Promise<void>;
  load(model: { name: string; base64: string; files?: readonly string[] }): Promise<number>;
  run(session: number, inputs: Record<string, SentTensor>): Promise<Record<string, SentTensor>>;
  close(session: number): Promise<void>;
}

/** In every browser these tests run in, not yet in the types. */
const Base64 = Uint8Array as unknown as { fromBase64(text: string): Uint8Array<ArrayBuffer> };
const base64Of = ({ buffer, byteOffset, byteLength }: Float32Array): string =>
  (new Uint8Array(buffer, byteOffset, byteLength) as unknown as { toBase64(): string }).toBase64();

let runtime: WebRuntime;
const sessions: Session[] = [];

const page: PageRuntime = {
  async open(device, weights) {
    const bytes = weights.map(async (name) => [name, new Uint8Array(await (await fetch(`./weights/${name}`)).arrayBuffer())] as const);
    runtime = await webRuntime({ device, files: new Map(await Promise.all(bytes)), wasmPaths: '/ort/' });
  },
  async load({ name, base64, files }) {
    return sessions.push(await runtime.load({ name, bytes: Base64.fromBase64(base64), ...(files && { files }) })) - 1;
  },
  async run(session, inputs) {
    const given = Object.entries(inputs).map(([name, { base64, shape }]): [string, Tensor] => [
      name,
      { data: new Float32Array(Base64.fromBase64(base64).buffer), shape },
    ]);
    const results = await (sessions[session] as Session).run(Object.fromEntries(given));
    return Object.fromEntries(Object.entries(results).map(([name, { data, shape }]) => [name, { base64: base64Of(data), shape }]));
  },
  close: (session) => (sessions[session] as Session).close(),
};
(globalThis as unknown as { prosam: PageRuntime }).prosam = page;
