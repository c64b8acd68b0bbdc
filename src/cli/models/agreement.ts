/** `prosam models verify --precision`: differences of fp16 or int8 to fp32, measured on generated scenes or on photos of one's own. */
import { readFile } from 'node:fs/promises';
import { DEFAULT_SEED } from '../../core/engine/defaults.ts';
import { decodeImage } from '../../core/image/node/decode.ts';
import { classMask } from '../../training/batches/label-square.ts';
import { openDataset } from '../../training/datasets/index.ts';
import type { DatasetImage } from '../../training/types.ts';
import { FEATURE_MAPS, measureAgreement, type AnnotatedImage, type ModelAgreement } from '../../core/models/compare-precision.ts';
import type { Device } from '../../core/runtime/devices/devices.ts';
import type { Precision } from '../../core/onnx/precision.ts';
import { withNetworks } from '../../core/models/verify-model.ts';
import { knownImage } from './add.ts';
import { textTable } from '../common/text-table.ts';

const SCENES = [11, 12, 13, 14] as const;
/** Least agreement that passes: chosen by eye, far above the differences of the built-in model. */
const MIN_COSINE = 0.99;
const MIN_IOU = 0.9;

export interface PrecisionAgreement extends ModelAgreement {
  precision: Precision;
  device: string;
  images: number;
  /** Kind of the images, in words. */
  of: string;
  passed: boolean;
}

export interface AgreementOptions {
  device: Device | 'auto';
  threads: number;
  /** Annotated images, as `prosam eval` takes them. @default generated scenes */
  data?: string | undefined;
  /** Pairs of them. */
  pairs: number;
  signal?: AbortSignal | undefined;
}

/** Compares a precision with single precision on the CPU. @throws DATASET_*, IMAGE_* */
export async function agreementOf(
  folder: string,
  precision: Precision,
  { device, threads, data, pairs, signal }: AgreementOptions,
): Promise<PrecisionAgreement> {
  let images = 0;
  const counted = async function* (): AsyncGenerator<AnnotatedImage[]> {
    for await (const sequence of data === undefined ? [SCENES.map(knownImage)] : pairsOf(data, pairs, signal)) {
      images += sequence.length;
      yield sequence;
    }
  };
  const of = data === undefined ? 'generated scenes' : `images of ${data}`;
  return withNetworks(folder, { threads }, (_, exact) =>
    withNetworks(folder, { device, threads, precision }, async (model, other) => {
      const found = await measureAgreement(model, exact, other, counted());
      const alike = FEATURE_MAPS.every((name) => (found[name]?.cosine ?? 1) >= MIN_COSINE);
      const passed = alike && found.maskIou.mean >= MIN_IOU;
      return { precision, device: other.device, images, of, passed, ...found };
    }),
  );
}

/** A reference and a target each, drawn as `prosam eval` draws them: from every fold equally. */
async function* pairsOf(data: string, count: number, signal: AbortSignal | undefined): AsyncGenerator<AnnotatedImage[]> {
  const dataset = await openDataset(data, signal && { signal });
  const folds = dataset.folds === 0 ? (['all'] as const) : Array.from({ length: dataset.folds }, (_, i) => i);
  const episodes = folds.flatMap((fold) => dataset.fold(fold).testEpisodes(Math.ceil(count / folds.length), DEFAULT_SEED));
  for (const { classId, reference, target } of episodes.slice(0, count)) {
    signal?.throwIfAborted();
    const marked = async (image: DatasetImage): Promise<AnnotatedImage> => ({
      image: await decodeImage(await readFile(image.file), image.file),
      mask: classMask(await dataset.labels(image), classId),
    });
    yield [await marked(reference), await marked(target)];
  }
}

export function agreementLines({
  precision,
  device,
  images,
  of,
  passed,
  maskIou,
  predictionIou,
  ...features
}: PrecisionAgreement): string[] {
  const rows = FEATURE_MAPS.flatMap((name) => {
    const map = features[name];
    return map ? [[name, map.cosine.toFixed(6), (100 * map.rms).toFixed(3), (100 * map.maxRelative).toFixed(3)]] : [];
  });
  const share = (what: string, one: { mean: number; worst: number }): string =>
    `IoU of ${what}: ${one.mean.toFixed(4)} (worst ${one.worst.toFixed(4)})`;
  return [
    '',
    textTable({
      caption: `${precision} on ${device} against fp32 on the CPU, ${images} ${of}: ${passed ? 'agrees' : 'DISAGREES'} (cosine from ${MIN_COSINE}, IoU from ${MIN_IOU} pass)`,
      head: ['features', 'cosine', 'rms difference in %', 'largest in %'],
      rows,
    }),
    share('masks for the same box', maskIou),
    ...(predictionIou ? [share('predicted masks', predictionIou)] : []),
  ];
}
