/** t-SNE (van der Maaten and Hinton, 2008) by a package that is loaded by name, so that it need not be installed. */
import { seededRandom, uniformInt } from '../../../core/common/random.ts';

/** Plots of high-dimensional points in the plane; undefined where the package is missing. */
export type Project = (points: readonly Float32Array[], seed: number) => [number, number][];

/** LGPL-3.0: used where it is installed, never bundled. */
export const PROJECTION_PACKAGE = '@saehrimnir/druidjs';

const ITERATIONS = 750;
/** The package's own learning rate. */
const EPSILON = 10;
const PERPLEXITY = 30;

/** Part of the package in use. */
interface Druid {
  TSNE: new (
    points: number[][],
    parameters: { perplexity: number; epsilon: number; d: number; seed: number },
  ) => { transform(iterations: number): number[][] };
}

/** undefined where the package is not installed. */
export async function openProjection(): Promise<Project | undefined> {
  const name: string = PROJECTION_PACKAGE;
  const druid = await (import(name) as Promise<Druid>).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ERR_MODULE_NOT_FOUND') return undefined;
    throw error;
  });
  return druid && ((points, seed) => project(druid, points, seed));
}

function project({ TSNE }: Druid, points: readonly Float32Array[], seed: number): [number, number][] {
  // A point's neighbours are meant to be some of the others, and fewer than four points have no plot.
  const perplexity = Math.min(PERPLEXITY, (points.length - 1) / 3);
  if (perplexity < 1) return points.map(() => [0, 0]);
  const scaled = centred(points);
  const tsne = new TSNE(scaled, { perplexity, epsilon: EPSILON, d: 2, seed: uniformInt(seededRandom(seed), 1, 2 ** 30) });
  return tsne.transform(ITERATIONS).map(([x = NaN, y = NaN]) => [x, y]);
}

/** Around zero at a mean square distance of one: large squared distances would leave no digits for close neighbours. */
function centred(points: readonly Float32Array[]): number[][] {
  const width = points[0]?.length ?? 0;
  const middle = Array.from({ length: width }, (_, i) => points.reduce((sum, point) => sum + (point[i] as number), 0) / points.length);
  const moved = points.map((point) => Array.from(point, (value, i) => value - (middle[i] as number)));
  const square = moved.reduce((sum, point) => sum + point.reduce((own, value) => own + value * value, 0), 0) / points.length;
  const scale = square > 0 ? 1 / Math.sqrt(square) : 1;
  return moved.map((point) => point.map((value) => value * scale));
}
