/** Downloads: masks as PNG, and everything as one COCO file. */
import { context2d } from 'prosam/client/page';
import { cocoRleFromMaskSync, type BinaryMask, type MaskPrediction } from 'prosam/web';
import { zipOf } from './zip.ts';

/** One picture and its mask. */
export interface Found {
  name: string;
  width: number;
  height: number;
  mask: BinaryMask;
  /** Absent for the mark that a person made. */
  prediction?: MaskPrediction;
}

export function download(blob: Blob, name: string): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  // The browser reads the address after this turn.
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

/** White on black, at the picture's own size. */
export async function maskPng({ data, width, height }: BinaryMask): Promise<Blob> {
  const canvas = document.createElement('canvas');
  canvas.width = width;
  canvas.height = height;
  const pixels = new ImageData(width, height);
  for (let i = 0; i < data.length; i++) {
    const level = data[i] === 0 ? 0 : 255;
    pixels.data.set([level, level, level, 255], 4 * i);
  }
  context2d(canvas).putImageData(pixels, 0, 0);
  const blob = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, 'image/png'));
  if (blob === null) throw new Error(`this browser cannot write a PNG of ${width} x ${height} pixels`);
  return blob;
}

export function maskName(name: string): string {
  return `${name.replace(/\.[^.]*$/, '')}-mask.png`;
}

/** Names within an archive must differ. */
export async function masksZip(found: readonly Found[]): Promise<Blob> {
  const taken = new Set<string>();
  const entries = [];
  for (const { name, mask } of found) {
    let unique = maskName(name);
    for (let n = 2; taken.has(unique); n++) unique = maskName(`${name.replace(/\.[^.]*$/, '')}-${n}.x`);
    taken.add(unique);
    entries.push({ name: unique, bytes: new Uint8Array(await (await maskPng(mask)).arrayBuffer()) });
  }
  return zipOf(entries);
}

/** COCO's annotation file, masks as run lengths; the mark itself stands in it as the first picture's. */
export function cocoJson(label: string, model: string, found: readonly Found[]): Blob {
  const images = found.map(({ name, width, height }, i) => ({ id: i + 1, file_name: name, width, height }));
  const annotations = found.flatMap(({ mask, prediction }, i) => {
    const box = boxOf(mask);
    if (box === undefined) return [];
    const [x0, y0, x1, y1] = box;
    const made = prediction && { score: prediction.quality.score, method: prediction.method };
    return [
      {
        ...{ id: i + 1, image_id: i + 1, category_id: 1, iscrowd: 0 },
        ...{ segmentation: cocoRleFromMaskSync(mask), area: mask.data.reduce((sum, value) => sum + (value === 0 ? 0 : 1), 0) },
        ...{ bbox: [x0, y0, x1 - x0, y1 - y0], ...(made ?? { marked: true }) },
      },
    ];
  });
  const info = { description: `${label}, marked in one picture and found in the others by ${model}` };
  const json = { info, images, annotations, categories: [{ id: 1, name: label }] };
  return new Blob([`${JSON.stringify(json, undefined, 1)}\n`], { type: 'application/json' });
}

/** Half-open; undefined where nothing is marked. */
function boxOf({ data, width, height }: BinaryMask): [number, number, number, number] | undefined {
  let [x0, y0, x1, y1] = [width, height, 0, 0];
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (data[y * width + x] === 0) continue;
      [x0, y0, x1, y1] = [Math.min(x0, x), Math.min(y0, y), Math.max(x1, x + 1), Math.max(y1, y + 1)];
    }
  }
  return x1 > x0 ? [x0, y0, x1, y1] : undefined;
}
