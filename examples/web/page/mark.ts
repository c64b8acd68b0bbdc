/** The mark as a list of steps that can be taken back, drawn afresh from them. Coordinates are pixels of the picture. */
import type { BinaryMask } from 'prosam/web';
import { context2d } from './elements.ts';

export type Point = [x: number, y: number];
export type MarkStep =
  | { kind: 'stroke'; erase: boolean; width: number; path: Point[] }
  | { kind: 'box'; box: [x0: number, y0: number, x1: number, y1: number] }
  | { kind: 'mask'; mask: BinaryMask }
  | { kind: 'clear' };

/** Marks are drawn no finer than this; larger pictures get theirs enlarged. */
const MAX_SIDE = 1024;
const COLOUR = '#ff2d95';

export interface Mark {
  /** Where the mark is drawn. */
  readonly canvas: HTMLCanvasElement;
  readonly steps: readonly MarkStep[];
  reset(width: number, height: number): void;
  add(step: MarkStep): void;
  /** The last step has changed: a stroke that is still being drawn. */
  redraw(): void;
  undo(): void;
  /** At the picture's own size; undefined while nothing is marked. */
  mask(): BinaryMask | undefined;
  /** The box, if the mark is one box and nothing else. */
  box(): [number, number, number, number] | undefined;
}

export function createMark(canvas: HTMLCanvasElement): Mark {
  let steps: MarkStep[] = [];
  let size = { width: 1, height: 1 };
  const context = context2d(canvas);

  /** Since the last time everything was cleared. */
  const current = (): MarkStep[] => steps.slice(steps.findLastIndex((step) => step.kind === 'clear') + 1);
  const draw = (step: MarkStep): void => {
    const scale = canvas.width / size.width;
    context.save();
    context.setTransform(scale, 0, 0, scale, 0, 0);
    context.fillStyle = context.strokeStyle = COLOUR;
    if (step.kind === 'box') context.fillRect(step.box[0], step.box[1], step.box[2] - step.box[0], step.box[3] - step.box[1]);
    else if (step.kind === 'mask') context.drawImage(maskCanvas(step.mask), 0, 0);
    else if (step.kind === 'stroke') {
      context.globalCompositeOperation = step.erase ? 'destination-out' : 'source-over';
      context.lineCap = context.lineJoin = 'round';
      context.lineWidth = step.width;
      context.beginPath();
      const [first, ...rest] = step.path as [Point, ...Point[]];
      context.moveTo(...first);
      // A single touch is a dab.
      for (const point of rest.length > 0 ? rest : [first]) context.lineTo(...point);
      context.stroke();
    }
    context.restore();
  };
  const redraw = (): void => {
    context.clearRect(0, 0, canvas.width, canvas.height);
    for (const step of current()) draw(step);
  };

  return {
    canvas,
    get steps() {
      return steps;
    },
    reset(width, height) {
      steps = [];
      size = { width, height };
      const scale = Math.min(1, MAX_SIDE / Math.max(width, height));
      canvas.width = Math.max(1, Math.round(width * scale));
      canvas.height = Math.max(1, Math.round(height * scale));
    },
    add(step) {
      steps.push(step);
      redraw();
    },
    redraw,
    undo() {
      steps.pop();
      redraw();
    },
    mask() {
      const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
      const { width, height } = size;
      const out = new Uint8Array(width * height);
      let marked = false;
      for (let y = 0; y < height; y++) {
        const row = Math.min(canvas.height - 1, Math.floor(((y + 0.5) * canvas.height) / height)) * canvas.width;
        for (let x = 0; x < width; x++) {
          const column = Math.min(canvas.width - 1, Math.floor(((x + 0.5) * canvas.width) / width));
          if ((data[4 * (row + column) + 3] as number) < 128) continue;
          out[y * width + x] = 1;
          marked = true;
        }
      }
      return marked ? { data: out, width, height } : undefined;
    },
    box() {
      const [only, ...others] = current();
      return only?.kind === 'box' && others.length === 0 ? only.box : undefined;
    },
  };
}

/** A mask in the colour of marks, to be drawn in one go. */
function maskCanvas({ data, width, height }: BinaryMask): HTMLCanvasElement {
  const canvas = document.createElement('canvas');
  canvas.width = width;
  canvas.height = height;
  const pixels = new ImageData(width, height);
  for (let i = 0; i < data.length; i++) if (data[i] !== 0) pixels.data.set([255, 45, 149, 255], 4 * i);
  context2d(canvas).putImageData(pixels, 0, 0);
  return canvas;
}
