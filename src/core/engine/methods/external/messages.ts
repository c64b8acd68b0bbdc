/** Messages to a system outside (docs/concepts/external.md): JSON whose pixels are base64, put together as bytes. */
import { joinedBytes } from '../../../common/joined.ts';
import { runSteps } from '../../../mask/cooperative.ts';
import { base64Length, base64Steps } from './base64.ts';
import type { ExternalBatch, ExternalImage, ExternalReference } from './port.ts';

/** Version of the protocol; a system that speaks another is refused. */
export const EXTERNAL_PROTOCOL = 1;
/** Largest message, in bytes: some 60 images of a megapixel. */
export const MAX_MESSAGE_BYTES = 2 ** 28;

const encoder = new TextEncoder();

/** @param pixels upright 8-bit RGB */
export async function externalImage(
  key: string,
  { data, width, height }: { data: Uint8Array; width: number; height: number },
  signal?: AbortSignal,
): Promise<ExternalImage> {
  const rgb = new Uint8Array(base64Length(data.length));
  await runSteps(base64Steps(data, rgb), signal);
  return { key, width, height, rgb };
}

export function describeMessage(id: string): Uint8Array {
  return encoder.encode(JSON.stringify({ protocol: EXTERNAL_PROTOCOL, type: 'describe', id }));
}

export function segmentMessage(id: string, { label, references, targets }: ExternalBatch): Uint8Array {
  const head = JSON.stringify({ protocol: EXTERNAL_PROTOCOL, type: 'segment', id, label });
  return joinedBytes([
    encoder.encode(`${head.slice(0, -1)},"references":[`),
    ...separated(references.map(referenceParts)),
    encoder.encode('],"targets":['),
    ...separated(targets.map((image) => [encoder.encode('{"image":'), ...imageParts(image), encoder.encode('}')])),
    encoder.encode(']}'),
  ]);
}

/** Bytes that an image takes in a message, keys and sizes left out. */
export function sizeOfBatch({ references, targets }: Omit<ExternalBatch, 'label'>): number {
  const images = [...references.map(({ image }) => image), ...targets];
  return images.reduce((sum, { rgb }) => sum + rgb.length, 0);
}

function referenceParts({ image, counts }: ExternalReference): Uint8Array[] {
  const mask = JSON.stringify({ size: [image.height, image.width], counts });
  return [encoder.encode('{"image":'), ...imageParts(image), encoder.encode(`,"mask":${mask}}`)];
}

function imageParts({ key, width, height, rgb }: ExternalImage): Uint8Array[] {
  return [encoder.encode(`${JSON.stringify({ key, width, height }).slice(0, -1)},"rgb":"`), rgb, encoder.encode('"}')];
}

function separated(items: readonly Uint8Array[][]): Uint8Array[] {
  const comma = encoder.encode(',');
  return items.flatMap((parts, i) => (i === 0 ? parts : [comma, ...parts]));
}
