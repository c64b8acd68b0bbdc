/** Client of a running service, as far as agents need it. */
import type { ProsamClient } from '../../client/client.ts';
import type { InstanceResponse } from '../../client/types/predictions.ts';
import type { ClientAnnotation } from '../../client/types/requests.ts';
import { ProsamError } from '../../core/common/errors.ts';
import { annotationIn, parseAnnotation, parseBox, parsePoints, type Annotation, type PointInput } from '../../core/mask/annotation.ts';
import type { Point } from '../../core/mask/raster.ts';
import type { BinaryMask } from '../../core/mask/label-reduction.ts';
import { cocoRleFromMaskSync, maskFromCocoRle, type CocoRle } from '../../core/mask/rle.ts';
import type { PredictionService, ServiceImage } from '../../service/types.ts';
import type { InstancePrediction, PixelImage } from '../../core/engine/types.ts';

export interface RemoteService {
  predictions: Pick<PredictionService, 'predict' | 'refine' | 'track'>;
}

export function remoteService(client: ProsamClient): RemoteService {
  return { predictions: remotePredictions(client) };
}

function remotePredictions(client: ProsamClient): RemoteService['predictions'] {
  return {
    async predict({ project, image, labels, references, remember, options }, call) {
      const response = await client.predict(
        {
          ...{ project, image: imageOf(image), format: 'rle' },
          ...(labels && { labels: [...labels] }),
          ...(references && {
            references: references.map((one) => ({
              image: imageOf(one.image),
              ...(one.label !== undefined && { label: one.label }),
              ...sentAnnotation(annotationIn(one)),
            })),
          }),
          ...(remember !== undefined && { remember }),
          ...(options && {
            options: {
              ...(options.instances === true && { instances: true }),
              ...(options.threshold !== undefined && { threshold: options.threshold }),
            },
          }),
        },
        call,
      );
      const { milliseconds, ...rest } = response;
      return {
        ...rest,
        milliseconds: { queue: 0, ...milliseconds },
        masks: response.masks.map(({ label, method, quality, area, boxXyxy, rle, instances }) => {
          const mask = maskOf(rle);
          const objects = instances && { instances: instances.map(instanceOf) };
          return { label, method, quality, area, ...(boxXyxy && { boxXyxy }), ...objects, mask };
        }),
      };
    },
    async track({ project, image, first, recent, state }, call) {
      const marked = (one: typeof first) => ({ image: imageOf(one.image), ...sentAnnotation(annotationIn(one)) });
      const { rle, width, height, found, trust, area, boxXyxy, ...rest } = await client.track(
        {
          ...{ project, image: imageOf(image), format: 'rle', first: marked(first) },
          ...(recent && { recent: marked(recent) }),
          ...(state && { state }),
        },
        call,
      );
      const object = rle && boxXyxy && { mask: maskOf(rle), boxXyxy, ...(area !== undefined && { area }) };
      return { width, height, found, trust, ...object, state: rest.state, milliseconds: {} };
    },
    async refine({ project, image, prompts: { points = [], negative = [], box } }, call) {
      const { width, height, masks } = await client.refine(
        {
          ...{ project, image: imageOf(image), format: 'rle' },
          ...(points.length > 0 && { points: pairsOf(points) }),
          ...(negative.length > 0 && { negative: pairsOf(negative) }),
          ...(box && { box: [...parseBox(box)] }),
        },
        call,
      );
      return {
        ...{ width, height },
        masks: masks.map(({ area, boxXyxy, samIou, rle }) => {
          return { area, ...(boxXyxy && { boxXyxy }), samIou, mask: maskOf(rle), lowResLogits: new Float32Array() };
        }),
      };
    },
  };
}

function pairsOf(points: readonly PointInput[]): [number, number][] {
  return parsePoints('points', points).map(([x, y]) => [x, y]);
}

/** An object as the service told it apart. @throws URL_FAILED where it sent no mask for it, or one that does not fit its box */
export function instanceOf({ boxXyxy, area, score, rle }: InstanceResponse): InstancePrediction {
  const mask = maskOf(rle);
  const [x0, y0, x1, y1] = boxXyxy;
  if (mask.width !== x1 - x0 || mask.height !== y1 - y0)
    throw new ProsamError(
      'URL_FAILED',
      `expected the mask of an object to fill its box of ${x1 - x0} x ${y1 - y0} pixels, got ${mask.width} x ${mask.height}. Update the service.`,
    );
  return { boxXyxy, area, score, mask };
}

function imageOf(image: ServiceImage | PixelImage): Uint8Array | { sha256: string } {
  if (image instanceof Uint8Array || 'sha256' in image) return image;
  throw new ProsamError('OPTION_INVALID', 'expected the bytes of an image or its sha256, got pixels. Encode them first.');
}

function maskOf(rle: CocoRle | undefined): BinaryMask {
  if (rle === undefined) throw new ProsamError('URL_FAILED', 'expected masks as run lengths, the service answered without. Update it.');
  return maskFromCocoRle(rle);
}

/** An annotation as it is sent. @throws OPTION_INVALID for paths: a service reads no files of this machine */
export function sentAnnotation(annotation: Annotation): ClientAnnotation {
  const parsed = parseAnnotation(annotation);
  const pairs = (path: readonly Point[]): [number, number][] => path.map(([x, y]) => [x, y]);
  if (parsed.kind === 'mask' && 'mask' in parsed) return { rle: cocoRleFromMaskSync(parsed.mask) };
  switch (parsed.kind) {
    case 'rle': {
      const { size, counts } = parsed.rle;
      return { rle: { size: [size[0], size[1]], counts: typeof counts === 'string' ? counts : [...counts] } };
    }
    case 'points':
      return { points: pairs(parsed.points), ...(parsed.negative.length > 0 && { negative: pairs(parsed.negative) }) };
    case 'polygon':
      return { polygon: parsed.rings.map(pairs) };
    case 'box':
      return { box: [...parsed.box] };
    default:
      throw new ProsamError('OPTION_INVALID', `expected a mask, run lengths, points, a polygon or a box, got a file or a ${parsed.kind}.`);
  }
}
