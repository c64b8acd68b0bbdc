/** Predictors of the frames of a task: an engine in this process, or a running service. */
import type { PredictFrame } from '../../adapters/cvat/annotate/annotate.ts';
import type { ReferenceFrame } from '../../adapters/cvat/annotate/plan.ts';
import { createClient } from '../../client/client.ts';
import { maskFromCocoRle } from '../../core/mask/rle.ts';
import { createEngine } from '../../core/runtime/node/create-engine.ts';
import type { EngineOptions } from '../../core/runtime/node/open-engine.ts';
import type { PredictOptions, Reference } from '../../core/engine/types.ts';
import { instanceOf, sentAnnotation } from './remote-service.ts';

export interface FramePredictor {
  predict: PredictFrame;
  /** Description for people. */
  name: string;
  close(): Promise<void>;
}

/** Opens an engine; a reference that cannot be used is reported before any frame is touched. */
export async function localPredictor(
  references: readonly ReferenceFrame[],
  engineOptions: EngineOptions,
  options: PredictOptions,
): Promise<FramePredictor> {
  const engine = await createEngine(engineOptions);
  const all = references.flatMap(({ image, marks }) => marks.map(({ label, annotation }): Reference => ({ image, label, ...annotation })));
  try {
    for (const reference of all) await engine.referenceMask(reference, options);
  } catch (error) {
    await engine.close();
    throw error;
  }
  return {
    name: `${engine.info.model} on ${engine.info.device}`,
    async predict(image, labels) {
      const wanted = all.filter(({ label }) => labels.includes(label as string));
      const { masks } = await engine.predict(image, wanted, options);
      return masks.map(({ label, mask, quality, instances }) => ({ label, mask, score: quality.score, ...(instances && { instances }) }));
    },
    close: () => engine.close(),
  };
}

export interface ServiceOptions {
  url: string;
  token?: string | undefined;
  project: string;
  options: Omit<PredictOptions, 'signal' | 'noise' | 'labelReduction' | 'promptEncoder'>;
  signal?: AbortSignal | undefined;
}

/** Sends the references of the task with every request; without any, the project's own are used. The service keeps nothing. */
export function servicePredictor(references: readonly ReferenceFrame[], service: ServiceOptions): FramePredictor {
  const { url, token, project, options, signal } = service;
  const client = createClient({ url, timeoutMs: 300_000, retries: 5, ...(token !== undefined && { token }) });
  const all = references.flatMap(({ image, marks }) =>
    marks.map(({ label, annotation }) => ({ image, label, ...sentAnnotation(annotation) })),
  );
  return {
    name: `${url}, project ${project}`,
    async predict(image, labels) {
      const wanted = all.filter(({ label }) => labels.includes(label));
      const request = { project, image, options, format: 'rle' as const, remember: references.length === 0 };
      const response = await client.predict(
        { ...request, ...(references.length > 0 ? { references: wanted } : { labels: [...labels] }) },
        signal ? { signal } : {},
      );
      return response.masks.map(({ label, quality, rle, instances }) => {
        if (rle === undefined) throw new Error('The service answered without a mask.');
        const objects = instances && { instances: instances.map(instanceOf) };
        return { label, score: quality.score, mask: maskFromCocoRle(rle), ...objects };
      });
    },
    close: () => Promise.resolve(),
  };
}
