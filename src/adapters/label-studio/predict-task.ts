/** One task: its images, the labels that are known, and the masks in the form the labeling configuration has room for. */
import { LIMITS } from '../../core/common/limits.ts';
import { confidenceOf } from '../../core/engine/confidence.ts';
import type { Service, ServicePrediction } from '../../service/types.ts';
import type { MaskPrediction } from '../../core/engine/types.ts';
import type { MlResponse } from './protocol/responses.ts';
import { outputsOf, type LabelConfig, type Output } from './protocol/label-config.ts';
import type { MlTask } from './protocol/request-schemas.ts';
import { writeRegions, type WrittenRegion } from './protocol/write-region.ts';
import type { Priors } from './priors.ts';
import { retried } from './with-retry.ts';
import { imageOfTask, type TaskImages } from './task-images.ts';
import type { Connection } from './types.ts';

export interface TaskParts {
  service: Pick<Service, 'predictions' | 'projects'>;
  images: TaskImages;
  priors: Priors;
  /** One region a connected part. */
  instances: boolean;
  /** Least probability of a concept for its regions to be answered. @default the engine's */
  threshold?: number | undefined;
}

export interface TaskRequest {
  connection: Connection;
  config: LabelConfig;
  task: MlTask;
  /** Version of the project when the request came: Label Studio compares it. */
  version: string;
  /** Labels the project has references of. */
  known: ReadonlySet<string>;
  priority: 'interactive' | 'batch';
}

/** Outputs by name of the image, of labels that can be predicted. */
export function wantedOutputs(config: LabelConfig, known: ReadonlySet<string>): Map<string, Output[]> {
  const byImage = new Map<string, Output[]>();
  for (const output of outputsOf(config)) {
    if (known.has(output.label)) byImage.set(output.image.name, [...(byImage.get(output.image.name) ?? []), output]);
  }
  return byImage;
}

/** undefined: there is nothing to look for. @throws what the service and the image source throw */
export async function predictTask(
  { service, images, priors, instances, threshold }: TaskParts,
  request: TaskRequest,
  signal: AbortSignal,
): Promise<MlResponse | undefined> {
  const { connection, config, task, version, known, priority } = request;
  const { project, extraParams } = connection;
  const split = typeof extraParams.instances === 'boolean' ? extraParams.instances : instances;
  const least = shareIn(extraParams.threshold) ?? threshold;
  const result: WrittenRegion[] = [];
  const scores: number[] = [];
  for (const outputs of wantedOutputs(config, known).values()) {
    const of = imageOfTask(connection, task, (outputs[0] as Output).image.field);
    const labels = [...new Set(outputs.map(({ label }) => label))];
    const boxes = outputs.some(({ control }) => control.kind === 'rectanglelabels');
    const options = { options: { ...((split || boxes) && { instances: true }), ...(least !== undefined && { threshold: least }) } };
    const asked = { project, externalId: of.externalId, priority, ...options };
    // A configuration may name more labels than one request.
    for (let from = 0; from < labels.length; from += LIMITS.labels) {
      const some = labels.slice(from, from + LIMITS.labels);
      const prediction: ServicePrediction = await images.use(
        of,
        (image) => retried(() => service.predictions.predict({ ...asked, labels: some, image }, { signal }), signal),
        signal,
      );
      for (const mask of prediction.masks) {
        const output = outputs.find(({ label }) => label === mask.label);
        if (output === undefined) continue;
        scores.push(confidenceOf(mask));
        if (priority === 'interactive') priors.keep({ project, version, sha256: prediction.image.sha256, label: mask.label }, mask);
        result.push(...(await writeRegions(output.control, toWrite(mask, split || output.control.kind === 'rectanglelabels'), { signal })));
      }
    }
  }
  if (scores.length === 0) return undefined;
  // People sort by it to see what is doubtful first: the most doubtful answer counts.
  return { result, score: Math.min(...scores), modelVersion: version };
}

function toWrite({ label, mask, quality, instances }: MaskPrediction, split: boolean) {
  return { label, mask, score: quality.score, ...(split && instances && instances.length > 0 && { instances }) };
}

/** A number from 0 to 1 in settings that people write. */
function shareIn(value: unknown): number | undefined {
  return typeof value === 'number' && value >= 0 && value <= 1 ? value : undefined;
}
