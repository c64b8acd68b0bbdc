/** Step 1: the reference picture and its mark. */
import { context2d, createMaskCanvas, createMaskInput, element, type MaskStep, type Tool } from 'prosam/client/page';
import type { BinaryMask, WebReference } from 'prosam/web';
import { announce } from './messages.ts';
import type { RgbImage } from './picture.ts';

export interface ReferencePanel {
  readonly picture: RgbImage | undefined;
  /** Reference for the engine; undefined while there is no image or no annotation. */
  reference(label: string): { reference: WebReference; grow: boolean } | undefined;
  /** The mark at the picture's own size. */
  mask(): BinaryMask | undefined;
  show(picture: RgbImage, step?: MaskStep): void;
}

/** Tallest that the picture is shown, pixels of the page. */
const SHOWN_HEIGHT = 460;

export function createReferencePanel(onChange: () => void): ReferencePanel {
  let picture: RgbImage | undefined;
  const mark = createMaskCanvas(element('mark', HTMLCanvasElement));
  const size = element('size', HTMLInputElement);
  const sizeShown = element('size-shown', HTMLOutputElement);
  const grow = element('grow', HTMLInputElement);
  const undo = element('undo', HTMLButtonElement);
  const clear = element('clear', HTMLButtonElement);
  let growChosen = false;
  let marked = false;
  const changed = (): void => {
    undo.disabled = mark.steps.length === 0;
    clear.disabled = mark.steps.length === 0 || mark.steps.at(-1)?.kind === 'clear';
    onChange();
  };
  const setSize = (value: number): void => {
    size.value = String(value);
    input.width = Number(size.value);
    sizeShown.textContent = `${size.value} px`;
  };
  const setTool = (tool: Tool): void => {
    input.tool = tool;
    element('stage').parentElement?.querySelector('#pointer')?.setAttribute('data-tool', tool);
    document.querySelectorAll<HTMLInputElement>('input[name=tool]').forEach((radio) => (radio.checked = radio.value === tool));
    // A box says nothing about the outline; a painted object says it all.
    if (!growChosen) grow.checked = tool === 'box';
  };
  const takeBack = (): void => {
    mark.undo();
    announce('Taken back');
    changed();
  };
  const input = createMaskInput({
    mask: mark,
    canvas: element('pointer', HTMLCanvasElement),
    onChange: changed,
    announce,
    onKey(key, { ctrlKey, metaKey }) {
      const tools: Record<string, Tool> = { b: 'brush', x: 'box', e: 'eraser' };
      const tool = tools[key.toLowerCase()];
      if ((ctrlKey || metaKey) && key.toLowerCase() === 'z') takeBack();
      else if (ctrlKey || metaKey) return false;
      else if (key === '[') setSize(input.width * 0.8);
      else if (key === ']') setSize(input.width * 1.25 + 1);
      else if (tool) {
        setTool(tool);
        announce(`${tool} chosen`);
      } else return false;
      return true;
    },
  });

  size.addEventListener('input', () => setSize(Number(size.value)));
  grow.addEventListener('change', () => {
    growChosen = true;
    changed();
  });
  undo.addEventListener('click', takeBack);
  clear.addEventListener('click', () => {
    mark.add({ kind: 'clear' });
    announce('Mark cleared');
    changed();
  });
  document.querySelectorAll<HTMLInputElement>('input[name=tool]').forEach((radio) => {
    radio.addEventListener('change', () => setTool(radio.value as Tool));
  });

  return {
    get picture() {
      return picture;
    },
    mask: () => mark.mask(),
    reference(label) {
      const mask = mark.mask();
      if (!picture || !mask) return undefined;
      const box = mark.box();
      const annotation = box ? { box } : grow.checked ? { scribble: mask } : { mask };
      return { reference: { image: picture.source, label, ...annotation }, grow: grow.checked };
    },
    show(shown, step) {
      picture = shown;
      const { width, height, bitmap, name } = shown;
      mark.reset(width, height);
      input.reset(width, height);
      size.max = String(Math.max(8, Math.round(Math.max(width, height) / 2)));
      setSize(Math.max(2, Math.round(Math.max(width, height) / 14)));
      const canvas = element('picture', HTMLCanvasElement);
      [canvas.width, canvas.height] = [mark.canvas.width, mark.canvas.height];
      context2d(canvas).drawImage(bitmap, 0, 0, canvas.width, canvas.height);
      canvas.setAttribute('aria-label', `The reference picture ${name}, ${width} by ${height} pixels`);
      const stage = element('stage');
      stage.style.setProperty('--aspect', `${width} / ${height}`);
      // Small pictures are shown larger, tall ones no taller than a screen.
      stage.style.setProperty('--shown-width', `${Math.round(Math.min(1400, (SHOWN_HEIGHT * width) / height))}px`);
      stage.hidden = false;
      element('reference-empty').hidden = true;
      // A sample's mark brings its tool along, and takes it away again.
      if (step) mark.add(step);
      if (step?.kind === 'box') setTool('box');
      else if (marked) setTool('brush');
      marked = step !== undefined;
      changed();
    },
  };
}
