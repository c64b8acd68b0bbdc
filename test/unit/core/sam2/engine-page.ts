/** Built into a page: an engine in a worker of the page, asked by a test in Node. */
import type { Method, RefinePrompts } from '../../../../src/core/engine/types.ts';
import type { WebEngine } from '../../../../src/core/runtime/web/create-engine.ts';
import type { WebDevice } from '../../../../src/core/runtime/web/device.ts';
import { createWebEngine } from '../../../../src/web.ts';

/** Bytes as text, which is what a page can be handed. */
export interface SentScene {
  image: string;
  mask: string;
  side: number;
}

export interface SentMask {
  mask: string;
  area: number;
  samIou: number | undefined;
  objectScore?: number | undefined;
}

export interface EnginePage {
  /** -> the device that computes */
  open(device: WebDevice, model: string): Promise<string>;
  predict(target: SentScene, reference: SentScene, method: Method): Promise<SentMask & { cached: boolean }>;
  refine(target: SentScene, prompts: RefinePrompts): Promise<SentMask[]>;
  close(): Promise<void>;
}

/** In every browser these tests run in, not yet in the types. */
const Base64 = Uint8Array as unknown as { fromBase64(text: string): Uint8Array<ArrayBuffer> };
const base64Of = (bytes: Uint8Array): string => (bytes as unknown as { toBase64(): string }).toBase64();
const pixelsOf = ({ image, side }: SentScene) => ({ data: Base64.fromBase64(image), width: side, height: side, channels: 3 as const });

let engine: WebEngine;
const page: EnginePage = {
  async open(device, model) {
    engine = await createWebEngine({ model, device, wasmPaths: './ort/' });
    return engine.info.device;
  },
  async predict(target, reference, method) {
    const mask = { data: Base64.fromBase64(reference.mask), width: reference.side, height: reference.side };
    const { masks, cached } = await engine.predict(pixelsOf(target), [{ image: pixelsOf(reference), mask }], { method });
    const [found] = masks as [(typeof masks)[number]];
    return { cached, mask: base64Of(found.mask.data), area: found.area, samIou: found.quality.samIou };
  },
  async refine(target, prompts) {
    const { masks } = await engine.refine(pixelsOf(target), prompts);
    return masks.map(({ mask, area, samIou, objectScore }) => ({ mask: base64Of(mask.data), area, samIou, objectScore }));
  },
  close: () => engine.close(),
};
Object.assign(globalThis, { prosam: page });
