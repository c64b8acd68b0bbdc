/** A mask that a person draws: a list of steps that can be undone, drawn afresh from them. Coordinates are pixels of the image. */
import type { BinaryMask } from '../../core/mask/label-reduction.ts';
import { context2d } from './elements.ts';

/** Pixels of the image, from its top left corner; between two pixels where not whole. */
export type Position = [x: number, y: number];
export type MaskStep =
  | { kind: 'stroke'; erase: boolean; width: number; path: Position[] }
  | { kind: 'box'; boxXyxy: [x0: number, y0: number, x1: number, y1: number] }
  | { kind: 'mask'; mask: BinaryMask }
  | { kind: 'clear' };

/** Longest side of the canvas, pixels: masks of larger images are drawn at this size and enlarged. */
const MAX_SIDE = 1024;
const COLOR = '#ff2d95';

export interface MaskCanvas {
  /** The canvas the mask is drawn on, over the image. */
  readonly canvas: HTMLCanvasElement;
  readonly steps: readonly MaskStep[];
  /** Forgets all steps: an image of another size is shown. */
  reset(width: number, height: number): void;
  add(step: MaskStep): void;
  /** Draws anew after the last step has grown: a stroke in progress. */
  redraw(): void;
  undo(): void;
  /** The mask at the image's own size; undefined while nothing is drawn. */
  mask(): BinaryMask | undefined;
  /** The box, if the drawing is one box and nothing else. */
  box(): [x0: number, y0: number, x1: number, y1: number] | undefined;
}

/** Draws on this canvas. */
export function createMaskCanvas(canvas: HTMLCanvasElement): MaskCanvas {
  let steps: MaskStep[] = [];
  let size = { width: 1, height: 1 };
  const context = context2d(canvas);

  /** Steps since everything was last cleared. */
  const current = (): MaskStep[] => steps.slice(steps.findLastIndex((step) => step.kind === 'clear') + 1);
  const draw = (step: MaskStep): void => {
    const scale = canvas.width / size.width;
    context.save();
    context.setTransform(scale, 0, 0, scale, 0, 0);
    context.fillStyle = context.strokeStyle = COLOR;
    if (step.kind === 'box')
      context.fillRect(step.boxXyxy[0], step.boxXyxy[1], step.boxXyxy[2] - step.boxXyxy[0], step.boxXyxy[3] - step.boxXyxy[1]);
    else if (step.kind === 'mask') context.drawImage(maskCanvas(step.mask), 0, 0);
    else if (step.kind === 'stroke') {
      context.globalCompositeOperation = step.erase ? 'destination-out' : 'source-over';
      context.lineCap = context.lineJoin = 'round';
      context.lineWidth = step.width;
      context.beginPath();
      const [first, ...rest] = step.path as [Position, ...Position[]];
      context.moveTo(...first);
      // A touch without a movement is a dot.
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
      let drawn = false;
      for (let y = 0; y < height; y++) {
        const row = Math.min(canvas.height - 1, Math.floor(((y + 0.5) * canvas.height) / height)) * canvas.width;
        for (let x = 0; x < width; x++) {
          const column = Math.min(canvas.width - 1, Math.floor(((x + 0.5) * canvas.width) / width));
          if ((data[4 * (row + column) + 3] as number) < 128) continue;
          out[y * width + x] = 1;
          drawn = true;
        }
      }
      return drawn ? { data: out, width, height } : undefined;
    },
    box() {
      const [only, ...others] = current();
      return only?.kind === 'box' && others.length === 0 ? only.boxXyxy : undefined;
    },
  };
}

/** The mask in the drawing's color. */
function maskCanvas({ data, width, height }: BinaryMask): HTMLCanvasElement {
  const canvas = document.createElement('canvas');
  canvas.width = width;
  canvas.height = height;
  const pixels = new ImageData(width, height);
  for (let i = 0; i < data.length; i++) if (data[i] !== 0) pixels.data.set([255, 45, 149, 255], 4 * i);
  context2d(canvas).putImageData(pixels, 0, 0);
  return canvas;
}
