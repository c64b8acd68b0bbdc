/** Results that gate and training left with a version, and the progress of a run: parsed, because anybody may have written them. */
import { z } from 'zod';

const share = z.number().min(0).max(1);
const gateSchema = z.object({
  current: share,
  candidate: share,
  pairs: z.int().min(0).optional(),
  margin: share.optional(),
  decision: z.string().optional(),
  images: z.int().min(0).optional(),
  changed: z.int().min(0).optional(),
  gain: z.object({ mean: z.number(), low: z.number(), high: z.number() }).optional(),
  labels: z
    .array(
      z.object({
        ...{ label: z.string(), pairs: z.int().optional(), current: share, candidate: share },
        ...{ changed: z.boolean().optional(), accepted: z.int().min(0).optional() },
      }),
    )
    .max(1000)
    .catch([]),
});
const trainingSchema = z.object({
  curve: z
    .array(z.object({ step: z.number(), loss: z.number() }))
    .max(2000)
    .catch([]),
  steps: z.number().optional(),
  seconds: z.number().optional(),
  images: z.number().optional(),
  masks: z.number().optional(),
});
const metricsSchema = z.object({
  gate: gateSchema.optional().catch(undefined),
  training: trainingSchema.optional().catch(undefined),
  notes: z.array(z.string()).max(100).catch([]),
});

const progressSchema = z.union([
  z.object({ phase: z.literal('gate'), done: z.number(), total: z.number() }),
  z.object({
    ...{ phase: z.string().optional(), step: z.number(), steps: z.number(), loss: z.number().nullish() },
    fold: z.object({ number: z.number(), of: z.number() }).optional(),
  }),
]);

export interface VersionMetrics {
  gate?: z.infer<typeof gateSchema>;
  training?: z.infer<typeof trainingSchema>;
  notes: string[];
}

/** Metrics that cannot be read are left out. */
export function metricsOf(metrics: unknown): VersionMetrics {
  const { success, data } = metricsSchema.safeParse(metrics);
  if (!success) return { notes: [] };
  return { notes: data.notes, ...(data.gate && { gate: data.gate }), ...(data.training && { training: data.training }) };
}

export interface RunProgress {
  phase: 'training' | 'gate';
  done: number;
  total: number;
  loss?: number;
  /** Training for the gate alone, without the images of one group, of so many. */
  fold?: { number: number; of: number };
}

/** Undefined where the run has reported none. */
export function progressOf(progress: unknown): RunProgress | undefined {
  const { success, data } = progressSchema.safeParse(progress);
  if (!success) return undefined;
  if ('done' in data) return { phase: 'gate', done: data.done, total: data.total };
  const loss = typeof data.loss === 'number' ? { loss: data.loss } : {};
  return { phase: 'training', done: data.step, total: data.steps, ...loss, ...(data.fold && { fold: data.fold }) };
}
