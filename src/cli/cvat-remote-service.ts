/** A running service, asked over HTTP, as far as agents need it. */
import type { ProsamClient } from '../client/client.ts';
import type { MaskResponse } from '../client/types.ts';
import { ProsamError } from '../core/common/errors.ts';
import type { Annotation } from '../core/mask/annotation.ts';
import { splitInstances } from '../core/mask/instances.ts';
import type { BinaryMask } from '../core/mask/label-reduction.ts';
import { cocoRleFromMask, maskFromCocoRle, type CocoRle } from '../core/mask/rle.ts';
import type { PredictionService, ServiceImage } from '../service/types.ts';
import type { InstancePrediction, PixelImage } from '../core/engine/types.ts';

export interface RemoteService {
  predictions: Pick<PredictionService, 'predict' | 'refine'>;
}

export function remoteService(client: ProsamClient): RemoteService {
  return { predictions: remotePredictions(client) };
}

function remotePredictions(client: ProsamClient): RemoteService['predictions'] {
  return {
    async predict({ project, image, labels, references, remember, options }, call) {
      const answer = await client.predict(
        {
          ...{ project, image: imageOf(image), format: 'rle' },
          ...(labels && { labels: [...labels] }),
          ...(references && {
            references: references.map((one) => ({
              ...{ image: imageOf(one.image), mark: markOf(one.annotation) },
              ...(one.label !== undefined && { label: one.label }),
            })),
          }),
          ...(remember !== undefined && { remember }),
          ...(options?.instances === true && { options: { instances: true } }),
        },
        call,
      );
      const { milliseconds, ...rest } = answer;
      return {
        ...rest,
        milliseconds: { queue: 0, ...milliseconds },
        masks: answer.masks.map(({ label, method, score, uncertainty, area, boxXyxy, rle, instances }) => {
          const mask = maskOf(rle);
          const regions = instances && { instances: regionsOf(mask, instances) };
          return { label, method, score, uncertainty, area, ...(boxXyxy && { boxXyxy }), ...regions, mask };
        }),
      };
    },
    async refine({ project, image, prompts: { points, boxXyxy } }, call) {
      const { width, height, masks } = await client.refine(
        {
          ...{ project, image: imageOf(image), format: 'rle' },
          ...(points && points.length > 0 && { points: points.map(({ x, y, positive }) => ({ x, y, positive: positive !== false })) }),
          ...(boxXyxy && { boxXyxy: [...boxXyxy] as [number, number, number, number] }),
        },
        call,
      );
      return {
        ...{ width, height },
        masks: masks.map(({ area, boxXyxy: box, predictedIou, rle }) => {
          return { area, ...(box && { boxXyxy: box }), predictedIou, mask: maskOf(rle), lowRes: new Float32Array() };
        }),
      };
    },
  };
}

/** Answers name the regions of a mask by their boxes; their pixels are in the mask. */
function regionsOf(mask: BinaryMask, named: NonNullable<MaskResponse['instances']>): InstancePrediction[] {
  const byBox = new Map(named.map((one) => [`${one.boxXyxy.join()} ${one.area}`, one.score]));
  return splitInstances(mask, 1).flatMap((region) => {
    const score = byBox.get(`${region.boxXyxy.join()} ${region.area}`);
    return score === undefined ? [] : [{ ...region, score }];
  });
}

function imageOf(image: ServiceImage | PixelImage): Uint8Array | { sha256: string } {
  if (image instanceof Uint8Array || 'sha256' in image) return image;
  throw new ProsamError('OPTION_INVALID', 'expected the bytes of an image or its sha256, got pixels. Encode them first.');
}

function maskOf(rle: CocoRle | undefined): BinaryMask {
  if (rle === undefined) throw new ProsamError('URL_FAILED', 'expected masks as run lengths, the service answered without. Update it.');
  return maskFromCocoRle(rle);
}

/** Marks as they are sent. @throws OPTION_INVALID for those that are files */
export function markOf(annotation: Annotation) {
  const pair = ([x, y]: readonly [number, number]): [number, number] => [x, y];
  switch (annotation.kind) {
    case 'mask':
      return { kind: 'rle' as const, rle: cocoRleFromMask(annotation.mask) };
    case 'coco-rle': {
      const { size, counts } = annotation.rle;
      return {
        kind: 'rle' as const,
        rle: { size: [size[0], size[1]] as [number, number], counts: typeof counts === 'string' ? counts : [...counts] },
      };
    }
    case 'points':
      return {
        kind: 'points' as const,
        points: annotation.points.map(pair),
        ...(annotation.negative && { negative: annotation.negative.map(pair) }),
      };
    case 'polygon':
      return { kind: 'polygon' as const, rings: annotation.rings.map((ring) => ring.map(pair)) };
    case 'box':
      return { kind: 'box' as const, boxXyxy: [...annotation.boxXyxy] as [number, number, number, number] };
    default:
      throw new ProsamError('OPTION_INVALID', `expected a mask, run lengths, points, a polygon or a box, got ${annotation.kind}.`);
  }
}
