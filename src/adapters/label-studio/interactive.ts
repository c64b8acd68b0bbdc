/** A click or a box, answered while somebody waits: SAM's own prompts, with what the references say of the image to begin from. */
import type { Log } from '../../service/ports/log.ts';
import { drawAnnotation } from '../../core/mask/draw-annotation.ts';
import { parsePoints } from '../../core/mask/annotation.ts';
import { runSteps } from '../../core/mask/cooperative.ts';
import { maskExtentSteps } from '../../core/mask/raster.ts';
import type { Service } from '../../service/types.ts';
import type { RefinedMask, RefinePrompts } from '../../core/engine/types.ts';
import type { MlResponse } from './protocol/responses.ts';
import { outputsOf, type LabelConfig } from './protocol/label-config.ts';
import type { MlRegion, MlTask } from './protocol/request-schemas.ts';
import { configOfTask } from './protocol/task-data.ts';
import { writeRegions } from './protocol/write-region.ts';
import { askedOf, type AskedParts } from './asked.ts';
import type { Prior, Priors } from './priors.ts';
import { askedFor, promptsOf } from './prompts.ts';
import { clickedBox, shownRegions } from './shown-regions.ts';
import { retried } from './with-retry.ts';
import { imageOfTask, type TaskImages } from './task-images.ts';
import type { Connection } from './types.ts';

export interface InteractiveParts extends AskedParts {
  service: Pick<Service, 'predictions' | 'projects'>;
  images: TaskImages;
  priors: Priors;
  log: Log;
  /** A click waits so long for the references' say. @default 300 */
  priorMs?: number;
}

export type Interactive = (
  request: { connection: Connection; config: LabelConfig; task: MlTask; context: readonly MlRegion[] },
  signal: AbortSignal,
) => Promise<MlResponse>;

export function createInteractive(parts: InteractiveParts): Interactive {
  const { service, images, priors, log, priorMs = 300 } = parts;
  return async ({ connection, config, task, context }, signal) => {
    const { project } = connection;
    const { version, concepts } = await service.projects.get(project, askedOf(connection, config, parts));
    const nothing = (why: string): MlResponse => {
      log.warn({ project, task: task.id }, `a prompt is not answered: ${why}`);
      return { result: [], score: 0, modelVersion: version };
    };
    const asked = askedFor(context);
    if (asked === undefined) return nothing('it holds no labelled point or rectangle');
    const output = outputsOf(configOfTask(config, task.data)).find(
      ({ label, image }) => label === asked.label && image.name === asked.toName,
    );
    if (output === undefined) return nothing('the configuration has no control that could show a mask of this label');
    const { sha256, width, height } = await images.embedded(imageOfTask(connection, task, output.image, asked.item));
    const prompts = promptsOf(asked, context, task.drafts, config, { width, height });
    if (prompts.length === 0) return nothing('it holds no point or rectangle of this label');

    const shown = shownRegions(asked, task, context);
    const hasReferences = concepts.some(({ label, masks }) => label === asked.label && masks > 0);
    // Clicks beside the object say nothing by themselves: they wait for the mask they are to take something from.
    const waitMs = prompts.every(saysNothingAlone) ? Math.max(priorMs, PATIENT_MS) : priorMs;
    // The prediction is of the label as a whole: of several regions it says nothing about the one that was clicked on.
    const isWhole = shown.length < 2;
    const prior = hasReferences && isWhole ? await priors.get({ project, version, sha256, label: asked.label }, waitMs) : undefined;
    const found: RefinedMask[] = [];
    for (const one of prompts) {
      const known = prior && goesWith(one, prior) ? await beginningOf(one, prior, signal) : {};
      const before = isSaid(known) || one.box !== undefined ? known : await beginningOn(shown, one, { width, height }, signal);
      if (saysNothingAlone(one) && !isSaid(before)) continue;
      const { masks } = await retried(
        () => service.predictions.refine({ project, image: { sha256 }, prompts: { ...one, ...before, best: true } }, { signal }),
        signal,
      );
      if (masks[0]) found.push(masks[0]);
    }
    if (found.length === 0) return nothing('points off the object alone say nothing without a prediction');
    const score = Math.min(...found.map(({ samIou }) => samIou));
    const result = await writeRegions(
      output.control,
      { label: asked.label, ...(await joined(found, signal)), score },
      { single: true, tolerance: parts.settings.tolerance, ...(output.image.pages && { item: asked.item }), signal },
    );
    return { result, score, modelVersion: version };
  };
}

/** Longest wait of clicks that need a prediction to begin from, in milliseconds: an image that is prepared takes less. */
const PATIENT_MS = 5000;

function saysNothingAlone({ points = [], box }: RefinePrompts): boolean {
  return box === undefined && points.length === 0;
}

/** The prediction as SAM takes it: its own logits or, of a mask another method drew and a click that needs one, the box around it. */
async function beginningOf(prompts: RefinePrompts, { lowResLogits, mask }: Prior, signal: AbortSignal): Promise<RefinePrompts> {
  if (lowResLogits) return { maskInput: lowResLogits };
  if (!saysNothingAlone(prompts)) return {};
  const { boxXyxy } = await runSteps(maskExtentSteps(mask), signal);
  return boxXyxy ? { box: boxXyxy } : {};
}

function isSaid(prompts: RefinePrompts): boolean {
  return Object.keys(prompts).length > 0;
}

/** The region on the screen that was clicked on: one of several, of an earlier version, or corrected by hand. */
async function beginningOn(
  shown: readonly MlRegion[],
  prompts: RefinePrompts,
  size: { width: number; height: number },
  signal: AbortSignal,
): Promise<RefinePrompts> {
  const box = shown.length === 0 ? undefined : await clickedBox(shown, prompts, size, signal);
  return box ? { box } : {};
}

/**
 * Points begin from the prediction where it agrees with all that are on the object: elsewhere it would hold the answer back. Boxes
 * choose one object and say enough by themselves.
 */
function goesWith({ points = [], negative = [], box }: RefinePrompts, { mask }: Prior): boolean {
  if (box !== undefined || points.length + negative.length === 0) return false;
  return parsePoints('points', points).every(([x, y]) => mask.data[Math.floor(y) * mask.width + Math.floor(x)] === 1);
}

/** All of them as one, and its box where it need not be looked for. */
async function joined(found: readonly RefinedMask[], signal: AbortSignal): Promise<Pick<RefinedMask, 'mask' | 'boxXyxy'>> {
  const [first, ...rest] = found as [RefinedMask, ...RefinedMask[]];
  if (rest.length === 0) return { mask: first.mask, ...(first.boxXyxy && { boxXyxy: first.boxXyxy }) };
  const mask = { ...first.mask, data: Uint8Array.from(first.mask.data) };
  for (const one of rest) {
    // A click may have found nothing.
    if (one.area > 0) await runSteps(drawAnnotation(mask, { kind: 'mask', mask: one.mask }), signal);
  }
  return { mask };
}
