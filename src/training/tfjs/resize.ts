/** Bilinear resizing as two products, so that its gradient is two products as well. */
import type * as tfjs from '@tensorflow/tfjs-core';
import { resizeMap, type PixelConvention } from '../../core/mask/resize-map.ts';
import type { Tf } from './gradients.ts';

/** x [B, C, h, w] -> [B, C, height, width], without antialiasing */
export function resizeBilinear(tf: Tf, x: tfjs.Tensor, height: number, width: number, convention: PixelConvention): tfjs.Tensor {
  const [batch, channels, fromHeight, fromWidth] = x.shape as [number, number, number, number];
  if (fromHeight === height && fromWidth === width) return x;
  const across = tf.tensor2d(interpolation(fromWidth, width, convention), [width, fromWidth]);
  const down = tf.tensor2d(interpolation(fromHeight, height, convention), [height, fromHeight]);
  const wide = tf.reshape(tf.matMul(tf.reshape(x, [-1, fromWidth]), across, false, true), [batch * channels, fromHeight, width]);
  // Down the columns as a product from the right, so that the matrix need not be repeated for every map.
  const turned = tf.reshape(tf.transpose(wide, [0, 2, 1]), [-1, fromHeight]);
  const tall = tf.reshape(tf.matMul(turned, down, false, true), [batch * channels, width, height]);
  return tf.reshape(tf.transpose(tall, [0, 2, 1]), [batch, channels, height, width]);
}

/** Row i blends the sources of sample i: the unit vectors, resized as the engine resizes. [to, from] */
function interpolation(from: number, to: number, convention: PixelConvention): Float32Array {
  const units = Float32Array.from({ length: from * from }, (_, i) => (i % (from + 1) === 0 ? 1 : 0));
  return resizeMap({ data: units, width: from, height: from }, from, to, convention).data;
}
