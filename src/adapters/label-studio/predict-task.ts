/** One task: its images, the labels that are known, and the masks in the form the labeling configuration has room for. */
import { labelParts } from '../../service/every-label.ts';
import { confidenceOf } from '../../core/engine/confidence.ts';
import { runSteps, type Steps } from '../../core/mask/cooperative.ts';
import type { Service, ServicePrediction } from '../../service/types.ts';
import type { MaskPrediction } from '../../core/engine/types.ts';
import type { MlResponse } from './protocol/responses.ts';
import { outputsOf, type Control, type LabelConfig, type Output } from './protocol/label-config.ts';
import type { MlTask } from './protocol/request-schemas.ts';
import { configOfTask, pagesOf } from './protocol/task-data.ts';
import { writeRegions, type WrittenRegion } from './protocol/write-region.ts';
import { askedOf, type AskedParts } from './asked.ts';
import type { Priors } from './priors.ts';
import { retried } from './with-retry.ts';
import { imageOfTask, type TaskImages } from './task-images.ts';
import type { Connection } from './types.ts';

export interface TaskParts extends AskedParts {
  service: Pick<Service, 'predictions' | 'projects'>;
  images: TaskImages;
  priors: Priors;
}

export interface TaskResponse extends MlResponse {
  /** Masks that were found and left out, because their concept is probably not there. */
  heldBack?: number;
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

/** Outputs by name of the image, of labels that can be predicted in a task. */
export function* wantedOutputs(
  config: LabelConfig,
  { data }: Pick<MlTask, 'data'>,
  known: ReadonlySet<string>,
): Steps<Map<string, Output[]>> {
  const byImage = new Map<string, Output[]>();
  for (const output of outputsOf(configOfTask(config, data))) {
    if (!known.has(output.label)) continue;
    const outputs = byImage.get(output.image.name);
    if (outputs) outputs.push(output);
    else byImage.set(output.image.name, [output]);
  }
  yield;
  return byImage;
}

/** undefined: there is nothing to look for. @throws what the service and the image source throw */
export async function predictTask(parts: TaskParts, request: TaskRequest, signal: AbortSignal): Promise<TaskResponse | undefined> {
  const { connection, config, task, version, known, priority } = request;
  const { service, images, priors } = parts;
  const { project } = connection;
  const asked = askedOf(connection, config, parts);
  const { split } = asked;
  const result: WrittenRegion[] = [];
  const scores: number[] = [];
  let heldBack = 0;
  const wanted = await runSteps(wantedOutputs(config, task, known), signal);
  const places = [...wanted.values()].flatMap((outputs) => {
    const { image } = outputs[0] as Output;
    return Array.from({ length: pagesOf(image, task.data) }, (_, page) => ({ outputs, image, page }));
  });
  for (const { outputs, image, page } of places) {
    const of = imageOfTask(connection, task, image, page);
    const writing = { tolerance: parts.settings.tolerance, ...(image.pages && { item: page }), signal };
    const labels = [...new Set(outputs.map(({ label }) => label))];
    const single = outputs.some(({ control }) => isOnePerObject(control));
    const options = { ...asked.options, ...((split || single) && { instances: true }) };
    const request = { project, externalId: of.externalId, priority, options };
    // A configuration may name more labels than one request.
    for (const some of labelParts(labels)) {
      const prediction: ServicePrediction = await images.use(
        of,
        (source) => retried(() => service.predictions.predict({ ...request, labels: some, image: source }, { signal }), signal),
        signal,
      );
      for (const mask of prediction.masks) {
        const output = outputs.find(({ label }) => label === mask.label);
        if (output === undefined) continue;
        scores.push(confidenceOf(mask));
        if (mask.quality.withheld) heldBack++;
        // Who clicks says that it is there: what was held back is drawn for the click, and is no beginning without a pixel.
        if (priority === 'interactive' && !mask.quality.withheld)
          priors.keep({ project, version, sha256: prediction.image.sha256, label: mask.label }, mask);
        const whole = toWrite(mask, split || isOnePerObject(output.control));
        result.push(...(await writeRegions(output.control, whole, writing)));
      }
    }
  }
  if (scores.length === 0) return undefined;
  // People sort by it to see what is doubtful first: the most doubtful answer counts.
  return { result, score: Math.min(...scores), modelVersion: version, ...(heldBack > 0 && { heldBack }) };
}

/** Boxes and ellipses around several objects show none of them. */
function isOnePerObject({ kind }: Control): boolean {
  return kind === 'rectanglelabels' || kind === 'ellipselabels';
}

function toWrite({ label, mask, quality, instances }: MaskPrediction, split: boolean) {
  return { label, mask, score: quality.score, ...(split && instances && instances.length > 0 && { instances }) };
}
