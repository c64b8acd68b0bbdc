/** Loads a package in a process of its own and lets it compute a product and a gradient. */
import { isProsamError, ProsamError } from '../../core/common/errors.ts';
import { runTool } from '../../setup/run-tool.ts';
import * as z from 'zod';

export interface SelfTest {
  /** Version of the library that ran. */
  libtensorflow: string;
  device: 'cpu' | 'gpu';
}

/** Stands alone, because it runs from source as well as from a build. The helpers are those that Node 23 removed. */
const PROGRAM = `
process.on('uncaughtException', (error) => { console.error(error.message); process.exit(1); });
Object.assign(require('node:util'), { isNullOrUndefined: (value) => value == null, isArray: Array.isArray });
process.env.TF_CPP_MIN_LOG_LEVEL ??= '2';
process.env.TF_FORCE_GPU_ALLOW_GROWTH ??= 'true';
const tf = require(process.argv[1]);
const a = tf.tensor2d([1, 2, 3, 4], [2, 2]);
const product = [...tf.matMul(a, a).dataSync()];
const gradient = [...tf.grad((x) => tf.sum(tf.square(tf.matMul(x, x))))(a).dataSync()];
const { isUsingGpuDevice, binding } = tf.backend();
console.log(JSON.stringify({ libtensorflow: binding.TF_Version, device: isUsingGpuDevice ? 'gpu' : 'cpu', product, gradient }));
`;

const response = z.object({
  libtensorflow: z.string(),
  device: z.enum(['cpu', 'gpu']),
  product: z.array(z.number()),
  gradient: z.array(z.number()),
});

// A = [[1, 2], [3, 4]]: A A, and the gradient of the sum of its squares, 2 (A A A^T + A^T A A).
const PRODUCT = [7, 10, 15, 22];
const GRADIENT = [158, 274, 266, 482];
const PATIENCE_MS = 300_000; // a GPU's first start compiles its kernels

/** @throws SETUP_FAILED with what the process said last */
export async function selfTest(packageRoot: string, signal?: AbortSignal): Promise<SelfTest> {
  const limit = AbortSignal.timeout(PATIENCE_MS);
  const both = signal ? AbortSignal.any([signal, limit]) : limit;
  const { code, stdout, complaint } = await runTool(process.execPath, ['-e', PROGRAM, packageRoot], '', both).catch((error: unknown) => {
    if (isProsamError(error) || !limit.aborted || signal?.aborted) throw error;
    return { code: -1, stdout: '', complaint: `no answer within ${PATIENCE_MS / 1000} s` };
  });
  const parsed = response.safeParse(code === 0 ? jsonOf(stdout) : undefined);
  if (!parsed.success)
    throw new ProsamError(
      'SETUP_FAILED',
      `${packageRoot}: the self-test failed:\n  ${complaint}\nTensorFlow needs a processor with AVX; if this one has it, repeat the set-up.`,
    );
  const { product, gradient, ...result } = parsed.data;
  if (!equal(product, PRODUCT) || !equal(gradient, GRADIENT))
    throw new ProsamError(
      'SETUP_FAILED',
      `${packageRoot}: the self-test expected the product ${PRODUCT.join(', ')} and the gradient ${GRADIENT.join(', ')}, got ${product.join(', ')} and ${gradient.join(', ')}. Do not train with it.`,
    );
  return result;
}

function equal(got: readonly number[], wanted: readonly number[]): boolean {
  return got.length === wanted.length && wanted.every((value, i) => Math.abs(value - (got[i] as number)) <= 1e-3 * value);
}

function jsonOf(stdout: string): unknown {
  try {
    return JSON.parse(stdout.trim().split('\n').at(-1) ?? '');
  } catch {
    return undefined;
  }
}
