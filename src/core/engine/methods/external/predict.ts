/** The method 'external': a system outside draws the masks. Of this model's networks it needs none, but for annotations that SAM grows. */
import { ProsamError } from '../../../common/errors.ts';
import type { Notice } from '../../../common/notice.ts';
import type { ImageReading } from '../../../image/values/reading.ts';
import { createNotes } from '../../notes.ts';
import { createByteCache } from '../../../common/byte-cache.ts';
import { sha256Hex } from '../../../common/sha256.ts';
import type { BinaryMask } from '../../../mask/label-reduction.ts';
import { fullMaskNotices } from '../../../mask/full-mask.ts';
import { runsFromMask } from '../../../mask/rle.ts';
import type { CallContext } from '../../call-context.ts';
import { checkResultPixels, readingOf } from '../../options.ts';
import type { ImageSource, LoadedImage } from '../../ports.ts';
import type { ReferenceStore } from '../../references.ts';
import { scoredMask } from '../../scoring.ts';
import type { ImageInput, InstancePrediction, MaskPrediction, Prediction, PredictOptions, Reference } from '../../types.ts';
import type { MethodResult } from '../method.ts';
import { createBatches } from './batches.ts';
import { externalImage } from './messages.ts';
import type { ExternalImage, ExternalMask, ExternalReference, ExternalTransport } from './port.ts';
import { createExternalSegmenter } from './segmenter.ts';

export interface ExternalMethod {
  /** A target as it is sent, once for all labels. */
  target(image: ImageInput, reading: ImageReading): Promise<SentImage>;
  /** @throws EXTERNAL_FAILED, EXTERNAL_TIMEOUT, REQUEST_TOO_LARGE, MASK_*, ANNOTATION_* */
  draw(
    label: string,
    target: ExternalImage,
    references: readonly Reference[],
    options: PredictOptions,
    notes: (reference: Reference, image: Omit<SentImage, 'image'>, notices: readonly Notice[]) => void,
  ): Promise<MethodResult>;
  /** Forgets images and masks. */
  clear(): void;
  close(): Promise<void>;
}

/** An image as it is sent, and what a caller should know about the way it was read. */
interface SentImage {
  key: string;
  image: ExternalImage;
  notices?: readonly Notice[];
}

interface ExternalParts {
  transport: ExternalTransport;
  store: Pick<ReferenceStore, 'drawn'>;
  source: Pick<ImageSource, 'load'>;
  /** Bytes of images kept as they are sent. */
  maxBytes: number;
}

export function createExternalMethod({ transport, store, source, maxBytes }: ExternalParts): ExternalMethod {
  const segmenter = createExternalSegmenter(transport);
  const ask = createBatches(segmenter);
  const images = createByteCache<SentImage>({ maxBytes, sizeOf: ({ image }) => image.rgb.length });
  const masks = createByteCache<ExternalReference['counts']>({ maxBytes, sizeOf: (counts) => 8 * counts.length + 100 });
  const clear = (): void => {
    images.clear();
    masks.clear();
  };
  const sent = (loaded: LoadedImage): Promise<SentImage> =>
    images.get(loaded.key, async () => {
      const { key } = loaded;
      const { notices, ...raster } = await loaded.decode();
      return { key, image: await externalImage(key, raster), ...(notices && { notices }) };
    });

  return {
    target: async (image, reading) => sent(await source.load(image, reading)),
    async draw(label, target, references, options, notes) {
      const { grow, signal } = options;
      const reading = readingOf(options);
      const ready: ExternalReference[] = [];
      const keys: string[] = [];
      for (const reference of references) {
        const drawn = await store.drawn(reference, { ...reading, ...(grow !== undefined && { grow }) });
        const { image, ...about } = await sent(drawn.image);
        const counts = await masks.get(drawn.key, async () => runsFromMask(await drawn.mask(image)));
        // Every second run is marked.
        const marked = counts.reduce((sum, run, i) => sum + (i % 2) * run, 0);
        notes(reference, about, [...drawn.notices(image), ...fullMaskNotices(marked, image)]);
        ready.push({ image, counts });
        keys.push(drawn.key);
        signal?.throwIfAborted();
      }
      const group = await sha256Hex(JSON.stringify([label, ...keys]));
      return resultOf(await ask({ label, references: ready, group, target }, signal), target);
    },
    clear,
    async close() {
      clear();
      await segmenter.close();
    },
  };
}

/**
 * One mask a label. The networks neither see the target nor are waited for, unless `instancesOf` asks SAM.
 * @throws METHOD_UNAVAILABLE without a system, and what `draw` throws
 */
export async function drawnOutside(
  external: ExternalMethod | undefined,
  context: Pick<CallContext, 'lap'>,
  input: ImageInput,
  groups: ReadonlyMap<string, readonly Reference[]>,
  options: PredictOptions,
  instancesOf: (mask: BinaryMask, result: MethodResult) => Promise<InstancePrediction[]>,
): Promise<Pick<Prediction, 'width' | 'height' | 'masks' | 'notices'>> {
  if (external === undefined)
    throw new ProsamError(
      'METHOD_UNAVAILABLE',
      'expected an engine with a system outside for the method external, got one without. Whoever runs it names its address or command: ' +
        '--external, PROSAM_EXTERNAL, or the option external of createEngine.',
    );
  const notes = createNotes();
  const all = [...groups.values()].flat();
  const { image: target, ...about } = await external.target(input, readingOf(options));
  notes.add('target', about);
  context.lap('read');
  checkResultPixels(target, groups.size);
  const masks: MaskPrediction[] = [];
  for (const [label, references] of groups) {
    const result = await external.draw(label, target, references, options, (reference, image, notices) =>
      notes.add(`reference ${all.indexOf(reference) + 1}`, image, notices),
    );
    context.lap('decode');
    // Whether the concept is there is for the system to say: by a mask, or by none.
    const judgement = { score: result.score ?? 0, present: result.decision.includes(1) ? 1 : 0 };
    const found = scoredMask(label, { name: 'external', result, judgement }, options);
    context.lap('resize');
    if (options.instances !== true) {
      masks.push(found);
      continue;
    }
    masks.push({ ...found, instances: await instancesOf(found.mask, result) });
    context.lap('instances');
  }
  return { width: target.width, height: target.height, masks, ...notes.result() };
}

/** Every pixel of the mask is as likely as the system says the mask is good. */
function resultOf({ mask, score }: ExternalMask, { width, height }: ExternalImage): MethodResult {
  const field = new Float32Array(mask.length);
  const probability = new Float32Array(mask.length);
  for (let i = 0; i < mask.length; i++) {
    field[i] = mask[i] === 0 ? -1 : 1;
    probability[i] = mask[i] === 0 ? 0 : score;
  }
  return { field: { data: field, width, height }, probability: { data: probability, width, height }, decision: mask, score };
}
