/** Backend with a fake service behind it, closed after each test, and what Label Studio sends to it. */
import { afterEach, vi } from 'vitest';
import { encodeBrushRleSync } from '../../../src/core/mask/brush-rle.ts';
import type { AcceptRequest } from '../../../src/service/types.ts';
import { fakeService, type FakeService } from '../../unit/adapters/fake-service.ts';
import { blobMask } from './masks.ts';
import { NAME, picture, startBackend, type Backend, type BackendOptions } from './backend-server.ts';

interface Answer {
  results: ([] | { result: { value: { brushlabels?: string[] }; from_name: string }[]; score: number; model_version: string })[];
}

/** So long that it never comes by itself, and like no other time. */
export const SOFT_DEADLINE_MS = 1_234_567;

/** The soft deadline comes when a test says so, however slow the machine; every other timer is left alone. */
export function ownDeadline(): { reach(): void } {
  const due: (() => void)[] = [];
  const usual = globalThis.setTimeout;
  const caught = (callback: () => void, milliseconds?: number): NodeJS.Timeout => {
    if (milliseconds === SOFT_DEADLINE_MS) due.push(callback);
    return usual(milliseconds === SOFT_DEADLINE_MS ? () => undefined : callback, milliseconds);
  };
  vi.stubGlobal('setTimeout', caught);
  return { reach: () => due.splice(0).forEach((callback) => callback()) };
}

/** A wait that lasts until it is let go. */
export function hold(): { held: Promise<void>; letGo: () => void } {
  let letGo = (): void => undefined;
  const held = new Promise<void>((resolve) => (letGo = resolve));
  return { held, letGo: () => letGo() };
}

/** So that there is something to predict. */
export async function reference(service: FakeService, labels = ['car']): Promise<void> {
  const masks = labels.map((label) => ({ label, box: [1, 1, 5, 5] }));
  await service.annotations.accept({
    project: NAME,
    source: 'before',
    externalId: labels.join(),
    revision: 1,
    image: await picture('r'),
    provenance: 'drawn',
    masks,
  });
}

export function brush(label: string, changes: object = {}): object {
  const rle = Array.from(encodeBrushRleSync(blobMask(320, 240, label.length)));
  return {
    ...{ id: `b-${label}`, type: 'brushlabels', from_name: 'tag', to_name: 'image', original_width: 320, original_height: 240 },
    ...{ image_rotation: 0, origin: 'manual', value: { format: 'rle', rle, brushlabels: [label] } },
    ...changes,
  };
}

export function annotation(id: number, result: object[], changes: object = {}): object {
  return {
    ...{ id, result, was_cancelled: false, ground_truth: false, completed_by: 7, parent_prediction: null, task: 1 },
    ...{ created_at: '2026-11-22T16:31:56.406132Z', updated_at: '2026-11-22T16:31:56.406168Z' },
    ...changes,
  };
}

export const accepts = ({ state }: FakeService): AcceptRequest[] =>
  state.calls.filter(({ name }) => name === 'annotations.accept').map(({ args }) => args as AcceptRequest);
export const results = ({ json }: { json: unknown }): Answer['results'] => (json as Answer).results;

interface BatchBench {
  backend: Backend;
}

/** Registers what closes the backend after each test. */
export function batchBench() {
  const bench = {} as BatchBench;
  afterEach(async () => {
    vi.unstubAllGlobals();
    await bench.backend.close();
  });

  async function start(options: Partial<BackendOptions> = {}, service = fakeService({ labels: ['car', 'tree'] })): Promise<FakeService> {
    bench.backend = await startBackend({ service, ...options });
    return service;
  }

  return Object.assign(bench, { start });
}
