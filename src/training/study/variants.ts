/** Variants under comparison: the distributions of the paper's ablation and VRP-SAM, as training options. */
import { noiseDeviation, type DistributionKind } from '../../core/networks/prompt-distribution.ts';

export const VARIANT_NAMES = [
  'student_t',
  'student_t_printed',
  'gaussian',
  'gaussian_matched',
  'heavy_tailed',
  'deterministic',
  'two_linear',
  'student_t_no_coarse',
  'gaussian_no_coarse',
  'deterministic_no_coarse',
  'student_t_spread',
] as const;
/** Variants of the paper's ablations: all but those of the coarse mask and of the first weights. */
export const PAPER_VARIANTS = VARIANT_NAMES.slice(0, 7);
export type VariantName = (typeof VARIANT_NAMES)[number];

/** Degrees of freedom, as in the paper. */
export const NU = 5;

export interface Variant {
  /** For tables. */
  title: string;
  distribution: DistributionKind;
  /** Factor on the noise. n: width of a prompt vector. */
  noiseScale?: (n: number) => number;
  stackedHeads?: boolean;
  /** 'none': the paper's form, prompts alone, for a model whose encoder has a coarse mask. @default the model's */
  dense?: 'none';
  /** Factor on the first output projections of the attentions. @default 1 */
  outputGain?: number;
}

export const VARIANTS: Readonly<Record<VariantName, Variant>> = {
  student_t: { title: 'ProSAM, Student-t', distribution: 'student_t' },
  student_t_printed: { title: 'Student-t as printed (eq. 7)', distribution: 'student_t_printed' },
  gaussian: { title: 'Gaussian', distribution: 'gaussian' },
  gaussian_matched: {
    title: "Gaussian at the Student-t's noise",
    distribution: 'gaussian',
    noiseScale: (n) => noiseDeviation({ kind: 'student_t', nu: NU, n }),
  },
  heavy_tailed: { title: 'Student-t, chi-square(nu)', distribution: 'heavy_tailed' },
  deterministic: { title: 'VRP-SAM, deterministic', distribution: 'deterministic' },
  two_linear: { title: 'VRP-SAM + 2 linear', distribution: 'deterministic', stackedHeads: true },
  student_t_no_coarse: { title: "Student-t, no coarse mask (the paper's form)", distribution: 'student_t', dense: 'none' },
  gaussian_no_coarse: { title: 'Gaussian, no coarse mask', distribution: 'gaussian', dense: 'none' },
  deterministic_no_coarse: { title: 'Deterministic, no coarse mask', distribution: 'deterministic', dense: 'none' },
  student_t_spread: { title: 'Student-t, output projections from a tenth', distribution: 'student_t', outputGain: 0.1 },
};

/** Standard deviation of the training noise in units of sigma; 0 for the deterministic ones. */
export function noiseOf(name: VariantName, n: number): number {
  const { distribution, noiseScale } = VARIANTS[name];
  return noiseDeviation({ kind: distribution, nu: NU, n, ...(noiseScale && { scale: noiseScale(n) }) });
}
