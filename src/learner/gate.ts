/** Comparison of the masks people would get with a candidate in service and without it: the whole pipeline, not the prompt encoder alone. */
import { readFile } from 'node:fs/promises';
import { DEFAULT_LABEL } from '../core/engine/defaults.ts';
import { createEngineCore } from '../core/engine/engine.ts';
import { MAX_RIVAL_IMAGES } from '../core/engine/trust/rivals.ts';
import type { Engine, MaskPrediction, Method, Reference } from '../core/engine/types.ts';
import type { Model } from '../core/checkpoint/model-folder.ts';
import { nodeImageSource } from '../core/image/node/source.ts';
import { iou } from '../core/mask/metrics.ts';
import { maskFromCocoRle } from '../core/mask/rle.ts';
import type { Device } from '../core/runtime/devices/devices.ts';
import { diskFeatureCache } from '../core/runtime/node/disk-feature-cache.ts';
import { openNetworks } from '../core/runtime/node/open-networks.ts';
import { readingOptions } from '../service/ports/choose-references.ts';
import type { GatePair } from './gate-decision.ts';
import { groupedBy } from '../core/common/grouped.ts';
import { isAbsence, type Lesson, type Snapshot } from './snapshot.ts';
import { changeBetween } from './visible-change.ts';

export interface PipelineOptions {
  model: Model;
  device: Device | 'auto';
  threads: number;
  /** Bytes of features kept in memory. */
  featureBytes: number;
  cache: { folder: string; bytes: number };
}

/** The engine as the service opens it, on this thread. */
export async function openPipeline({ model, device, threads, featureBytes, cache }: PipelineOptions): Promise<Engine> {
  const { networks } = await openNetworks(model, { device, threads });
  const slow = diskFeatureCache(cache.folder, cache.bytes);
  return createEngineCore({ model, networks, source: nodeImageSource(), cacheBytes: featureBytes, slow });
}

/** Weights of the version in service under this name; nothing where the model's own prompt encoder, or none, answers. */
export async function loadCurrent(engine: Engine, file: string | undefined): Promise<string | undefined> {
  if (file === undefined) return undefined;
  await engine.loadPromptEncoder('current', await readFile(file));
  return 'current';
}

export interface GateOptions {
  engine: Engine;
  snapshot: Pick<Snapshot, 'asked' | 'references' | 'without'>;
  /** Held-out masks, and images without a label. */
  lessons: readonly Lesson[];
  /** Path of an image's file. */
  fileOf: (sha256: string) => string | undefined;
  /** Prompt encoders by the names they were loaded under. */
  versions: { current: string | undefined; candidate: string };
  method: Method | 'auto';
  /** IoU from which on two masks look alike. */
  alikeIou: number;
  onPair: (done: number, total: number) => void;
  /** Ends the measurement between two images. */
  signal: AbortSignal;
}

/** undefined: the signal ended it. @throws IMAGE_*, ENGINE_* */
export async function measureVersions(options: GateOptions): Promise<GatePair[] | undefined> {
  const { engine, lessons, fileOf, versions, method, alikeIou, signal, onPair } = options;
  const rows: GatePair[] = [];
  // Before the first prompt encoder its methods answer nobody: people get what 'auto' finds without them.
  const isThere = versions.current !== undefined || method === 'auto' || engine.info.methods.includes(method);
  for (const target of new Set(lessons.map(({ sha256 }) => sha256))) {
    const references = referencesOf(options, target);
    const file = fileOf(target);
    if (file === undefined || references.length === 0) continue;
    const others = options.snapshot.without
      .flatMap((sha256) => (sha256 === target ? [] : (fileOf(sha256) ?? [])))
      .slice(0, MAX_RIVAL_IMAGES);
    const sizes = [...groupedBy(references, ({ label = DEFAULT_LABEL }) => label).values()].map(({ length }) => length);
    const reading = readingOptions(method, sizes);
    const answer = async (promptEncoder: string | undefined, by: Method | 'auto' = method) => {
      const { masks } = await engine.predict(file, references, {
        ...{ method: by, ...reading, ...(others.length > 0 && { others }), ...(promptEncoder !== undefined && { promptEncoder }) },
      });
      return new Map(masks.map((mask) => [mask.label, mask]));
    };
    if (signal.aborted) return undefined;
    const current = await answer(versions.current, isThere ? method : 'auto');
    const candidate = await answer(versions.candidate);
    for (const lesson of lessons.filter(({ sha256 }) => sha256 === target)) {
      const { label } = lesson;
      const [before, after] = [current.get(label), candidate.get(label)];
      if (before === undefined || after === undefined) continue; // its only mask is the one that is looked for
      rows.push({
        ...{ label, target, ...(isAbsence(lesson) && { absent: true as const }) },
        ...{ current: scoreOf(before, lesson), candidate: scoreOf(after, lesson) },
        methods: { current: before.method, candidate: after.method },
        ...changeBetween(before.mask.data, after.mask.data, alikeIou),
      });
      onPair(rows.length, lessons.length);
    }
  }
  return rows;
}

/** IoU with the truth; where the truth is an empty mask, 1 for none and 0 for one. */
function scoreOf({ mask, area }: MaskPrediction, lesson: Lesson): number {
  if (isAbsence(lesson)) return area === 0 ? 1 : 0;
  return iou(mask.data, maskFromCocoRle(lesson.rle).data);
}

function referencesOf({ snapshot: { asked, references }, fileOf }: GateOptions, target: string): Reference[] {
  const byId = new Map(references.map((reference) => [reference.id, reference]));
  return (asked[target] ?? []).flatMap((id): Reference[] => {
    const found = byId.get(id);
    const image = found && fileOf(found.sha256);
    if (found === undefined || image === undefined) return [];
    const { label, shows, rle } = found;
    return [{ image, label, shows, rle }];
  });
}
