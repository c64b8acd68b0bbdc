/** Marking with a mouse, a pen, fingers or the keyboard: all end as the same steps. */
import { announce, context2d } from './elements.ts';
import type { Mark, Point } from './mark.ts';

export type Tool = 'brush' | 'box' | 'eraser';

export interface MarkInput {
  tool: Tool;
  /** Of brush and eraser, in pixels of the picture. */
  width: number;
  /** A new picture, or a mark that was taken away. */
  reset(width: number, height: number): void;
}

export interface MarkInputOptions {
  mark: Mark;
  /** The topmost canvas: takes the events and shows the cursor. */
  canvas: HTMLCanvasElement;
  onChange: () => void;
  /** True where the key meant something. */
  onKey: (key: string, event: KeyboardEvent) => boolean;
}

export function createMarkInput({ mark, canvas, onChange, onKey }: MarkInputOptions): MarkInput {
  const context = context2d(canvas);
  let size = { width: 1, height: 1 };
  let cursor: Point = [0, 0];
  /** First corner of a box that is being drawn, or the stroke that is. */
  let corner: Point | undefined;
  let path: Point[] | undefined;
  let shown = false;

  const input: MarkInput = {
    tool: 'brush',
    width: 24,
    reset(width, height) {
      size = { width, height };
      cursor = [width / 2, height / 2];
      corner = path = undefined;
    },
  };
  const within = ([x, y]: Point): Point => [Math.min(size.width, Math.max(0, x)), Math.min(size.height, Math.max(0, y))];
  const at = (event: PointerEvent): Point => {
    const area = canvas.getBoundingClientRect();
    return within([((event.clientX - area.left) * size.width) / area.width, ((event.clientY - area.top) * size.height) / area.height]);
  };
  const boxTo = ([x, y]: Point): [number, number, number, number] | undefined => {
    if (corner === undefined) return undefined;
    const box = [Math.min(corner[0], x), Math.min(corner[1], y), Math.max(corner[0], x), Math.max(corner[1], y)].map(Math.round);
    return box as [number, number, number, number];
  };

  const begin = (point: Point): void => {
    cursor = point;
    if (input.tool === 'box') corner = point;
    else {
      path = [point];
      mark.add({ kind: 'stroke', erase: input.tool === 'eraser', width: input.width, path });
    }
  };
  const move = (point: Point): void => {
    cursor = point;
    if (path) {
      path.push(point);
      mark.redraw();
    }
    drawCursor();
  };
  /** True where something was marked. */
  const finish = (): boolean => {
    const box = boxTo(cursor);
    const drawn = path !== undefined;
    corner = path = undefined;
    if (box && box[2] - box[0] >= 1 && box[3] - box[1] >= 1) mark.add({ kind: 'box', box });
    else if (!drawn) return false;
    drawCursor();
    onChange();
    return true;
  };
  const cancel = (): void => {
    if (path) mark.undo();
    corner = path = undefined;
    drawCursor();
  };

  function drawCursor(): void {
    // As fine as the screen, however coarse the picture is.
    [canvas.width, canvas.height] = [canvas.clientWidth * devicePixelRatio, canvas.clientHeight * devicePixelRatio].map(
      Math.round,
    ) as Point;
    const scale = canvas.width / size.width;
    const [x, y] = [cursor[0] * scale, cursor[1] * scale];
    const thin = 1.25 * devicePixelRatio;
    const outline = (draw: () => void): void => {
      for (const [colour, width] of [
        ['#000', 3 * thin],
        ['#fff', thin],
      ] as const) {
        context.strokeStyle = colour;
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
    // A fast hand makes more points than there are frames.
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
    const ways: Record<string, Point> = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] };
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
