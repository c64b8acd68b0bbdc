/** Drawing a mask with a mouse, a pen, fingers or the keyboard: all end as the same steps. */
import { context2d } from './elements.ts';
import type { MaskCanvas, Position } from './mask-canvas.ts';

export type Tool = 'brush' | 'box' | 'eraser';

export interface MaskInput {
  tool: Tool;
  /** Width of brush and eraser, pixels of the image. */
  width: number;
  /** Starts anew: an image of another size is shown, or the drawing was removed. */
  reset(width: number, height: number): void;
}

export interface MaskInputOptions {
  mask: MaskCanvas;
  /** The topmost canvas: receives the events and shows the cursor. */
  canvas: HTMLCanvasElement;
  onChange: () => void;
  /** Shortcuts of the page; true where the key is one. */
  onKey: (key: string, event: KeyboardEvent) => boolean;
  /** Tells screen readers what happened. */
  announce: (text: string) => void;
}

/** Draws on the mask what a person does on the canvas. Keys: arrows move, Space or Enter begin and end, Escape cancels. */
export function createMaskInput({ mask, canvas, onChange, onKey, announce }: MaskInputOptions): MaskInput {
  const context = context2d(canvas);
  let size = { width: 1, height: 1 };
  let cursor: Position = [0, 0];
  /** First corner of the box, or path of the stroke, that is being drawn. */
  let corner: Position | undefined;
  let path: Position[] | undefined;
  let shown = false;

  const input: MaskInput = {
    tool: 'brush',
    width: 24,
    reset(width, height) {
      size = { width, height };
      cursor = [width / 2, height / 2];
      corner = path = undefined;
    },
  };
  const within = ([x, y]: Position): Position => [Math.min(size.width, Math.max(0, x)), Math.min(size.height, Math.max(0, y))];
  const at = (event: PointerEvent): Position => {
    const area = canvas.getBoundingClientRect();
    return within([((event.clientX - area.left) * size.width) / area.width, ((event.clientY - area.top) * size.height) / area.height]);
  };
  const boxTo = ([x, y]: Position): [number, number, number, number] | undefined => {
    if (corner === undefined) return undefined;
    const box = [Math.min(corner[0], x), Math.min(corner[1], y), Math.max(corner[0], x), Math.max(corner[1], y)].map(Math.round);
    return box as [number, number, number, number];
  };

  const begin = (point: Position): void => {
    cursor = point;
    if (input.tool === 'box') corner = point;
    else {
      path = [point];
      mask.add({ kind: 'stroke', erase: input.tool === 'eraser', width: input.width, path });
    }
  };
  const move = (point: Position): void => {
    cursor = point;
    if (path) {
      path.push(point);
      mask.redraw();
    }
    drawCursor();
  };
  /** True where something was drawn. */
  const finish = (): boolean => {
    const box = boxTo(cursor);
    const drawn = path !== undefined;
    corner = path = undefined;
    if (box && box[2] - box[0] >= 1 && box[3] - box[1] >= 1) mask.add({ kind: 'box', boxXyxy: box });
    else if (!drawn) return false;
    drawCursor();
    onChange();
    return true;
  };
  const cancel = (): void => {
    if (path) mask.undo();
    corner = path = undefined;
    drawCursor();
  };

  function drawCursor(): void {
    // At the screen's resolution, whatever the image's.
    [canvas.width, canvas.height] = [canvas.clientWidth * devicePixelRatio, canvas.clientHeight * devicePixelRatio].map(
      Math.round,
    ) as Position;
    const scale = canvas.width / size.width;
    const [x, y] = [cursor[0] * scale, cursor[1] * scale];
    const thin = 1.25 * devicePixelRatio;
    const outline = (draw: () => void): void => {
      for (const [color, width] of [
        ['#000', 3 * thin],
        ['#fff', thin],
      ] as const) {
        context.strokeStyle = color;
        context.lineWidth = width;
        context.beginPath();
        draw();
        context.stroke();
      }
    };
    const box = boxTo(cursor);
    if (box) outline(() => context.rect(box[0] * scale, box[1] * scale, (box[2] - box[0]) * scale, (box[3] - box[1]) * scale));
    if (!shown) return;
    if (input.tool === 'box') {
      const arm = 9 * thin;
      outline(() => {
        context.moveTo(x - arm, y);
        context.lineTo(x + arm, y);
        context.moveTo(x, y - arm);
        context.lineTo(x, y + arm);
      });
    } else outline(() => context.arc(x, y, Math.max(2, (input.width * scale) / 2), 0, 2 * Math.PI));
  }

  canvas.addEventListener('pointerdown', (event) => {
    if (event.button !== 0 || !event.isPrimary) return;
    event.preventDefault();
    canvas.focus({ preventScroll: true });
    canvas.setPointerCapture(event.pointerId);
    shown = event.pointerType !== 'touch';
    begin(at(event));
    drawCursor();
  });
  canvas.addEventListener('pointermove', (event) => {
    if (!event.isPrimary) return;
    shown = event.pointerType !== 'touch';
    // Several positions may arrive in one frame.
    const passed = path ? event.getCoalescedEvents() : [];
    for (const one of passed.slice(0, -1)) path?.push(at(one));
    move(at(event));
  });
  canvas.addEventListener('pointerup', (event) => {
    if (event.isPrimary && (path || corner)) finish();
  });
  canvas.addEventListener('pointercancel', cancel);
  canvas.addEventListener('pointerleave', () => {
    shown = document.activeElement === canvas && canvas.matches(':focus-visible');
    drawCursor();
  });
  canvas.addEventListener('focus', () => {
    shown = canvas.matches(':focus-visible');
    drawCursor();
  });
  canvas.addEventListener('blur', () => {
    cancel();
    shown = false;
    drawCursor();
  });
  canvas.addEventListener('keydown', (event) => {
    const step = Math.max(1, Math.round(Math.max(size.width, size.height) / 128)) * (event.shiftKey ? 8 : 1);
    const ways: Record<string, Position> = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] };
    const way = ways[event.key];
    if (way) {
      shown = true;
      move(within([cursor[0] + way[0], cursor[1] + way[1]]));
    } else if (event.key === ' ' || event.key === 'Enter') {
      shown = true;
      const place = `${Math.round(cursor[0])}, ${Math.round(cursor[1])}`;
      if (path || corner)
        announce(
          finish() ? `${input.tool === 'box' ? 'Box drawn' : 'Lifted'} at ${place}` : 'A box needs two corners apart from each other',
        );
      else {
        begin(cursor);
        announce(`${input.tool === 'box' ? 'First corner' : 'Down'} at ${place}`);
      }
      drawCursor();
    } else if (event.key === 'Escape') {
      cancel();
      announce('Cancelled');
    } else if (!onKey(event.key, event)) return;
    event.preventDefault();
  });
  return input;
}
