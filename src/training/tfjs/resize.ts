/** Bilinear resizing as two products, so that its gradient is two products as well. */
import type * as tfjs from '@tensorflow/tfjs-core';
import type { PixelConvention } from '../../core/mask/resize-map.ts';
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

/** Row i blends the two sources of sample i. [to, from] */
function interpolation(from: number, to: number, convention: PixelConvention): Float32Array {
  const out = new Float32Array(to * from);
  for (let i = 0; i < to; i++) {
    const aligned = to === 1 ? 0 : (i * (from - 1)) / (to - 1);
    const source = convention === 'aligned' ? aligned : Math.max(0, ((i + 0.5) * from) / to - 0.5);
    const low = Math.min(Math.floor(source), from - 1);
    const high = Math.min(low + 1, from - 1);
    const share = source - low;
    out[i * from + low] = (out[i * from + low] as number) + 1 - share;
    out[i * from + high] = (out[i * from + high] as number) + share;
  }
  return out;
}
