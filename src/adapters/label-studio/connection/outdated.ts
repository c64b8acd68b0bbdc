/** Predictions of earlier versions that nobody used: found, and deleted once their task has one of the version in service. */
import { isAnswerVersion } from '../../../service/answer-version.ts';
import type { LabelStudioClient } from '../api/client.ts';

export type OutdatedClient = Pick<LabelStudioClient, 'tasks' | 'predictions' | 'annotations' | 'deletePrediction'>;

export interface OutdatedRequest {
  projectId: number;
  /** Version in service: its predictions stay. */
  version: string;
  /** Only these tasks. @default all of the project */
  tasks?: ReadonlySet<string>;
  /** Deletes earlier predictions also where the task has none of the version in service. @default false */
  withoutSuccessor?: boolean;
  signal?: AbortSignal | undefined;
}

export interface OutdatedReport {
  deleted: number;
  /** Earlier predictions that an annotation was begun from. */
  used: number;
  /** Tasks with earlier predictions and none of the version in service. */
  waiting: Set<string>;
}

interface Listed {
  id: number;
  predictions: readonly { id: number; model_version?: string | null | undefined }[];
  annotated: boolean;
}

/** Tasks asked for one by one; of more the list of the project is read. */
const MAX_ASKED = 20;

/** Only predictions that carry a version of this service are touched. @throws LABEL_STUDIO_* */
export async function deleteOutdated(client: OutdatedClient, request: OutdatedRequest): Promise<OutdatedReport> {
  const { version, withoutSuccessor = false, signal } = request;
  const report: OutdatedReport = { deleted: 0, used: 0, waiting: new Set() };
  for await (const { id, predictions, annotated } of tasksOf(client, request)) {
    const earlier = predictions.filter((one) => typeof one.model_version === 'string' && isEarlier(one.model_version, version));
    if (earlier.length === 0) continue;
    if (!withoutSuccessor && !predictions.some(({ model_version }) => model_version === version)) {
      report.waiting.add(String(id));
      continue;
    }
    const used = annotated ? await usedOf(client, id, signal) : new Set();
    for (const one of earlier) {
      if (used.has(one.id)) report.used++;
      else {
        await client.deletePrediction(one.id, { signal });
        report.deleted++;
      }
    }
  }
  return report;
}

function isEarlier(text: string, version: string): boolean {
  return text !== version && isAnswerVersion(text);
}

async function* tasksOf(client: OutdatedClient, { projectId, tasks, signal }: OutdatedRequest): AsyncGenerator<Listed> {
  if (tasks !== undefined && tasks.size <= MAX_ASKED) {
    for (const id of tasks) yield { id: Number(id), predictions: await client.predictions(id, { signal }), annotated: true };
    return;
  }
  // Read to the end first: what is deleted meanwhile must not move the pages.
  const found: Listed[] = [];
  for await (const { id, predictions, annotations, total_annotations } of client.tasks(projectId, { predictions: true, signal })) {
    if (predictions.length === 0 || tasks?.has(String(id)) === false) continue;
    found.push({ id, predictions, annotated: (annotations?.length ?? total_annotations ?? 1) > 0 });
  }
  yield* found;
}

/** Numbers of the predictions that annotations of a task were begun from. */
async function usedOf(client: OutdatedClient, task: number, signal: AbortSignal | undefined): Promise<Set<unknown>> {
  return new Set((await client.annotations(task, { signal })).map(({ parent_prediction }) => parent_prediction));
}
