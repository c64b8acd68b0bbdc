/** In the browser: masks from their run lengths, drawn over a small picture without ever unpacking them at full size. */

export const MASKS_SCRIPT = String.raw`
/** Colours that stay apart for colour-blind eyes (Okabe and Ito). */
export const COLOURS = ['#56b4e9', '#e69f00', '#009e73', '#cc79a7', '#f0e442', '#d55e00', '#0072b2'];

/** COCO's compressed counts: five bits a character, differences to the run two before. */
export function runsFromText(text) {
  const runs = [];
  let value = 0;
  let shift = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i) - 48;
    value |= (code & 0x1f) << shift;
    shift += 5;
    if (code & 0x20) continue;
    if (code & 0x10) value |= -1 << shift;
    runs.push(runs.length > 2 ? value + runs[runs.length - 2] : value);
    value = 0;
    shift = 0;
  }
  return runs;
}

/** 0 and 1 at another size, row by row: each pixel takes the one of the mask its centre falls on. */
export function smallMask({ size: [rows, columns], counts }, width, height) {
  const out = new Uint8Array(width * height);
  const sampled = new Map();
  for (let x = 0; x < width; x++) {
    const column = Math.min(columns - 1, Math.floor(((2 * x + 1) * columns) / (2 * width)));
    sampled.set(column, [...(sampled.get(column) ?? []), x]);
  }
  // First small row whose centre lies at or below a row of the mask; whole numbers up to the division, so that nothing is off by one.
  const firstFrom = (row) => Math.ceil((2 * row * height - rows) / (2 * rows));
  let at = 0;
  runsFromText(counts).forEach((run, i) => {
    const end = at + run;
    if (i % 2 === 1 && run > 0) {
      for (let column = Math.floor(at / rows); column * rows < end; column++) {
        for (const x of sampled.get(column) ?? []) {
          const from = Math.max(0, firstFrom(Math.max(at, column * rows) - column * rows));
          const to = Math.min(height, firstFrom(Math.min(end, (column + 1) * rows) - column * rows));
          for (let y = from; y < to; y++) out[y * width + x] = 1;
        }
      }
    }
    at = end;
  });
  return out;
}

/** Tinted, with a clear outline. */
export function drawMasks(canvas, masks) {
  const { width, height } = canvas;
  const context = canvas.getContext('2d');
  const image = context.createImageData(width, height);
  masks.forEach(({ rle }, i) => {
    const mask = smallMask(rle, width, height);
    const colour = COLOURS[i % COLOURS.length];
    const rgb = [1, 3, 5].map((place) => parseInt(colour.slice(place, place + 2), 16));
    const thick = Math.max(1, Math.round(Math.max(width, height) / 140));
    const isSet = (x, y) => x >= 0 && y >= 0 && x < width && y < height && mask[y * width + x] === 1;
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        if (!isSet(x, y)) continue;
        const edge = !isSet(x - thick, y) || !isSet(x + thick, y) || !isSet(x, y - thick) || !isSet(x, y + thick);
        image.data.set([...rgb, edge ? 255 : 110], 4 * (y * width + x));
      }
    }
  });
  context.putImageData(image, 0, 0);
}
`;
