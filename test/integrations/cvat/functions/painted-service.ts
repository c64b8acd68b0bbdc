/** A service that finds what is painted white in the image it is given: the truth is known whatever part of a frame that is. */
import { createHash } from 'node:crypto';
import sharp from 'sharp';
import { splitInstances } from '../../../../src/core/mask/instances.ts';
import type { BinaryMask } from '../../../../src/core/mask/label-reduction.ts';
import { boundingBox, maskArea } from '../../../../src/core/mask/raster.ts';
import type { PredictionService } from '../../../../src/service/types.ts';
import { fakeService, type FakeService, type FakeState } from '../../../unit/adapters/fake-service.ts';
import type { Roi } from './as-cvat-draws.ts';

/** -> PNG */
export function painted({ data, width, height }: BinaryMask): Promise<Buffer> {
  return sharp(
    data.map((value) => 255 * value),
    { raw: { width, height, channels: 1 } },
  )
    .png()
    .toBuffer();
}

/** The part of a frame as CVAT cuts it out before it calls: a file of its own. */
export function cropped(frame: Buffer, [left, top, right, bottom]: Roi): Promise<Buffer> {
  return sharp(frame)
    .extract({ left, top, width: right - left, height: bottom - top })
    .png()
    .toBuffer();
}

export function paintedService(changes: Partial<FakeState> = {}): FakeService {
  const fake = fakeService(changes);
  const predict: PredictionService['predict'] = async (request, given) => {
    const [response, mask] = [await fake.predictions.predict(request, given), await paintIn(request.image)];
    const instances = splitInstances(mask, 1).map((part) => ({ ...part, score: 0.9 }));
    return {
      ...response,
      masks: response.masks.map((one) => ({ ...one, ...described(mask), instances, lowResLogits: markOf(request.image) })),
    };
  };
  const refine: PredictionService['refine'] = async (request, given) => {
    const [response, mask] = [await fake.predictions.refine(request, given), await paintIn(request.image)];
    const { maskInput } = request.prompts;
    if (maskInput && maskInput.join() !== markOf(request.image).join())
      throw new Error('what was found in another image helps with this one');
    return { ...response, masks: [{ ...described(mask), samIou: 0.9, lowResLogits: markOf(request.image) }] };
  };
  const track: PredictionService['track'] = async (request, given) => {
    const [response, mask] = [await fake.predictions.track(request, given), await paintIn(request.image)];
    const { width, height, state, milliseconds } = response;
    const painted = boundingBox(mask) && described(mask);
    return { width, height, trust: painted ? 0.9 : 0.1, found: painted !== undefined, ...painted, state, milliseconds };
  };
  return { ...fake, predictions: { ...fake.predictions, predict, refine, track } };
}

function described(mask: BinaryMask) {
  const box = boundingBox(mask);
  return { mask, area: maskArea(mask), boxXyxy: undefined, ...(box && { boxXyxy: box }) } as {
    mask: BinaryMask;
    area: number;
    boxXyxy?: NonNullable<typeof box>;
  };
}

async function paintIn(image: unknown): Promise<BinaryMask> {
  const { data, info } = await sharp(image as Uint8Array)
    .extractChannel(0)
    .raw()
    .toBuffer({ resolveWithObject: true });
  return { data: Uint8Array.from(data, (value) => (value > 128 ? 1 : 0)), width: info.width, height: info.height };
}

/** Logits that belong to one image alone. */
function markOf(image: unknown): Float32Array {
  return Float32Array.from(
    createHash('sha256')
      .update(image as Uint8Array)
      .digest(),
  );
}
