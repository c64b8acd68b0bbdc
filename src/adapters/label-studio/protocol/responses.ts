/** Answers brought into the one shape that Label Studio stores without harm: one result a task, known controls and labels, scores from 0 to 1. */
import type { Log } from '../../../service/ports/log.ts';
import { runSteps, type Steps } from '../../../core/mask/cooperative.ts';
import { labeledKind, type LabelConfig } from './label-config.ts';
import type { MlTask } from './request-schemas.ts';
import { configOfTask } from './task-data.ts';
import { clampScore, type WrittenRegion } from './write-region.ts';

/** Response stored for one task. No regions means that there is nothing to see, and is stored too. */
export interface MlResponse {
  result: readonly WrittenRegion[];
  /** 0..1; what people sort by. */
  score: number;
  /** `model_version` in Label Studio, which shows it and compares predictions by it. */
  modelVersion: string;
}

/** Result in Label Studio's format; with an empty list nothing is stored, and it may ask again. */
export type MlResult = { result: readonly WrittenRegion[]; score: number; model_version: string } | [];

/** Exactly one a task. Regions of controls or labels the configuration does not have would be stored and break later: they are left out. */
export function checkedResults(
  responses: readonly (MlResponse | undefined)[],
  tasks: readonly MlTask[],
  config: LabelConfig,
  log: Log,
): MlResult[] {
  if (responses.length !== tasks.length) {
    log.error({ wanted: tasks.length, got: responses.length }, 'the model answered for another number of tasks; the rest stays without');
  }
  return tasks.map((task, place): MlResult => {
    const response = responses[place];
    if (response === undefined) return [];
    const here = configOfTask(config, task.data);
    const unknown = new Set(response.result.filter((region) => !isKnown(region, here)).map(({ id }) => id));
    // A shape goes with the part that would name it.
    const result = response.result.filter(
      (region) => isKnown(region, here) && !(labeledKind(region.type) !== undefined && unknown.has(region.id)),
    );
    if (result.length < response.result.length) {
      log.warn(
        { task: task.id, left: response.result.length - result.length },
        'regions the labeling configuration has no place for are left out',
      );
      // Nothing left is not the same as nothing found.
      if (result.length === 0) return [];
    }
    return {
      result: result.map((region) => ({ ...region, score: clampScore(region.score) })),
      score: clampScore(response.score),
      model_version: response.modelVersion,
    };
  });
}

function isKnown({ from_name, to_name, type, value }: WrittenRegion, { controls }: LabelConfig): boolean {
  return controls.some(({ name, toName, kind, labels, labelledBy }) => {
    if (toName !== to_name) return false;
    if (labelledBy !== undefined && from_name === name) return labeledKind(type) === kind;
    const given = value[type];
    return (
      (labelledBy === undefined ? from_name === name && type === kind : from_name === labelledBy && type === 'labels') &&
      Array.isArray(given) &&
      given.length > 0 &&
      given.every((label) => labels.includes(label as string))
    );
  });
}

/** The body of an answer, written one result at a time: masks as lists of numbers are long. */
export async function writeResults(results: readonly MlResult[], signal?: AbortSignal): Promise<Uint8Array> {
  return Buffer.concat(await runSteps(piecesOf(results), signal));
}

function* piecesOf(results: readonly MlResult[]): Steps<Buffer[]> {
  const pieces = [Buffer.from('{"results":[')];
  for (const [place, result] of results.entries()) {
    if (place > 0) pieces.push(Buffer.from(','));
    if (Array.isArray(result)) {
      pieces.push(Buffer.from('[]'));
      continue;
    }
    pieces.push(Buffer.from(`{"result":[`));
    for (const [at, region] of result.result.entries()) {
      pieces.push(Buffer.from((at > 0 ? ',' : '') + JSON.stringify(region)));
      yield;
    }
    pieces.push(Buffer.from(`],"score":${result.score},"model_version":${JSON.stringify(result.model_version)}}`));
  }
  pieces.push(Buffer.from(']}'));
  return pieces;
}
