/** Predictions of any number of labels: as many requests as their number takes, one after the other. */
import { LIMITS } from '../core/common/limits.ts';
import type { PredictionService, ServicePrediction, ServicePredictRequest } from './types.ts';

/** The labels in parts, each as many as one request takes. */
export function labelParts(labels: readonly string[]): (readonly string[])[] {
  return Array.from({ length: Math.ceil(labels.length / LIMITS.labels) }, (_, i) =>
    labels.slice(i * LIMITS.labels, (i + 1) * LIMITS.labels),
  );
}

/** @throws what `service.predictions.predict` throws */
export async function* everyLabel(
  { predictions }: { predictions: Pick<PredictionService, 'predict'> },
  request: ServicePredictRequest,
  options: { signal?: AbortSignal } = {},
): AsyncGenerator<ServicePrediction> {
  if (request.labels !== undefined && request.labels.length > LIMITS.labels) {
    for (const labels of labelParts(request.labels)) yield await predictions.predict({ ...request, labels }, options);
    return;
  }
  const first = await predictions.predict(request, options);
  yield first;
  for (const labels of labelParts(first.omitted ?? [])) yield await predictions.predict({ ...request, labels }, options);
}
