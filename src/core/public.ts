/** Names that `prosam` and `prosam/web` share: engine, masks and errors, the same in Node and in a page. */
export { isProsamError, ProsamError } from './common/errors.ts';
export { maskFromAnnotation } from './mask/draw-annotation.ts';
export { iou } from './mask/metrics.ts';
export { polygonsFromMask, polygonsFromMaskSync } from './mask/polygon-groups.ts';
export { cocoRleFromMask, cocoRleFromMaskSync, maskFromCocoRle } from './mask/rle.ts';
export type * from './public-types.ts';
