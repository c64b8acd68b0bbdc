/**
 * `prosam/client/page`: parts of pages that people draw masks on and see masks in. For browsers, with nothing but their own functions.
 * The console and `examples/web` are built from them.
 */
export { context2d, el, element, svg, type Attributes, type Child } from './elements.ts';
export { createMaskCanvas, type MaskCanvas, type MaskStep, type Position } from './mask-canvas.ts';
export { createMaskInput, type MaskInput, type MaskInputOptions, type Tool } from './mask-input.ts';
export { drawMasks, drawUncertainty, MASK_COLORS, maskColor, outlineMask } from './overlay.ts';
export { runsFromText, sampleMask, sampleRle } from './sample-mask.ts';
