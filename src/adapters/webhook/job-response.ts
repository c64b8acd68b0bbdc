/** A batch as callers see it. */
import type { BatchItem, BatchRecord } from '../../service/ports/batches.ts';

export function jobOf({ id, project, total, done, failed, createdMs, endedMs, cancelled }: BatchRecord) {
  const state = cancelled ? 'cancelled' : endedMs === undefined ? 'running' : 'finished';
  return { id, project, state, total, done, failed, createdMs, ...(endedMs !== undefined && { endedMs }) };
}

export function itemOf({ index, state, input, result }: BatchItem) {
  return {
    index,
    state,
    image: input,
    ...(result !== undefined && (state === 'failed' ? { error: result } : { result: currentResult(result) })),
  };
}

/** Fields of results that 0.1.0 stored. */
interface StoredResult {
  masks?: StoredMask[];
  modelVersion?: string;
  model?: string;
}

/** Fields of a mask in them. */
interface StoredMask {
  /** `present` was true or false in early versions of 0.2. */
  quality?: { present?: boolean | number };
  area?: number;
  score?: number;
  uncertainty?: number;
  predictedIou?: number;
  expectedIou?: number;
  expectedIouFrom?: string;
}

function currentResult(result: unknown): unknown {
  const { masks, modelVersion, model, ...rest } = result as StoredResult;
  return {
    ...rest,
    ...(masks && { masks: masks.map(currentMask) }),
    ...(modelVersion !== undefined && { encoderVersion: modelVersion }),
    ...(model !== undefined && { baseModel: model }),
  };
}

function currentMask(mask: StoredMask): unknown {
  if (mask.quality !== undefined) return { ...mask, quality: { ...mask.quality, present: Number(mask.quality.present ?? 1) } };
  const { score, predictedIou, expectedIou, expectedIouFrom, ...others } = mask;
  const rest = { ...others, uncertainty: undefined }; // JSON leaves it out
  const from = expectedIouFrom === 'other-references' ? 'leave-one-out' : expectedIouFrom;
  const quality = {
    score,
    ...(predictedIou !== undefined && { samIou: predictedIou }),
    ...(expectedIou !== undefined && { referenceIou: expectedIou, referenceIouFrom: from }),
    present: Number((rest.area ?? 0) > 0),
  };
  return { ...rest, quality };
}
