/** Units of coordinates. */

/**
 * - 'pixels': of the upright image, 0,0 at the upper left corner of the first pixel
 * - 'fraction': shares of the image's width and height, 0 to 1
 * - 'percent': the same, 0 to 100
 */
export const UNITS = ['pixels', 'fraction', 'percent'] as const;
export type Units = (typeof UNITS)[number];
