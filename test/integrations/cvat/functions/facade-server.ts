/** The CVAT adapter on a real port, in front of a fake service whose masks are really where it says. */
import { request as httpRequest } from 'node:http';
import { cvat, type CvatOptions } from '../../../../src/adapters/cvat/cvat.ts';
import { createGuard, type GuardOptions } from '../../../../src/adapters/http/guard.ts';
import { createHttpApp } from '../../../../src/adapters/http/http-app.ts';
import { createImageSources } from '../../../../src/adapters/http/images/image-sources.ts';
import { listen } from '../../../../src/adapters/http/listen.ts';
import type { BinaryMask } from '../../../../src/core/mask/label-reduction.ts';
import { boundingBox, maskArea } from '../../../../src/core/mask/raster.ts';
import { splitInstances } from '../../../../src/core/mask/instances.ts';
import type { PredictionService, Service } from '../../../../src/service/types.ts';
import { fakeService, type FakeService, type FakeState } from '../../../unit/adapters/fake-service.ts';

/** As the fake one, with true boxes and regions, and logits to go on from. */
export function exactService(changes: Partial<FakeState> = {}): FakeService {
  const fake = fakeService(changes);
  const predict: PredictionService['predict'] = async (request, given) => {
    const response = await fake.predictions.predict(request, given);
    const masks = response.masks.map((one) => ({
      ...one,
      ...boxOf(one.mask),
      lowResLogits: new Float32Array(16),
      instances: splitInstances(one.mask, 1).map((part) => ({ ...part, score: 0.9 })),
    }));
    return { ...response, masks };
  };
  const refine: PredictionService['refine'] = async (request, given) => {
    const response = await fake.predictions.refine(request, given);
    const masks = response.masks.map((one) => ({ mask: one.mask, samIou: 0.9, lowResLogits: one.lowResLogits, ...boxOf(one.mask) }));
    return { ...response, masks };
  };
  return { ...fake, predictions: { ...fake.predictions, predict, refine } };
}

function boxOf(mask: BinaryMask): { area: number; boxXyxy?: [number, number, number, number] } {
  const box = boundingBox(mask);
  return { area: maskArea(mask), ...(box && { boxXyxy: box }) };
}

/** Makes a project with references of these labels. */
export async function label(service: Service, project: string, labels: readonly string[], image: Uint8Array): Promise<void> {
  for (const one of labels) {
    const masks = [{ label: one, box: [1, 1, 5, 5] }];
    await service.annotations.accept({ project, source: 'test', externalId: one, revision: 1, image, provenance: 'drawn', masks });
  }
}

export interface FacadeOptions extends Partial<CvatOptions> {
  guard?: GuardOptions;
}

export async function startFacade({ guard = { anonymous: 'admin' }, ...options }: FacadeOptions = {}) {
  const service = (options.service ?? exactService()) as FakeService;
  const images = createImageSources();
  const lines: string[] = [];
  const write = (_: unknown, message: string): void => void lines.push(message);
  const adapter = cvat({ images, log: { info: write, warn: write, error: write }, ...options, service });
  const app = createHttpApp({ guard: createGuard(guard), limits: { json: { bytes: 64 * 2 ** 20 } } });
  app.mount('/', adapter.routes);
  const server = await listen(app, { host: '127.0.0.1', port: 0 });
  return {
    ...{ url: server.url, service, adapter, lines },
    close: async () => {
      await server.close({ deadlineMs: 1000 });
      await adapter.close();
      await images.close();
    },
  };
}

export interface Answer {
  status: number;
  /** What CVAT's user reads of an error. */
  reason: string;
  body: string;
  json: () => unknown;
}

/** With Node's plain client: others do not tell the reason phrase. */
export function send(url: string, method: string, headers: Record<string, string> = {}, body?: string | Uint8Array): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = httpRequest(url, { method, headers }, (response) => {
      const pieces: Buffer[] = [];
      response.on('data', (piece: Buffer) => pieces.push(piece));
      response.on('end', () => {
        const text = Buffer.concat(pieces).toString();
        resolve({
          status: response.statusCode ?? 0,
          reason: response.statusMessage ?? '',
          body: text,
          json: () => JSON.parse(text) as unknown,
        });
      });
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

/** A call by way of the dashboard, with the headers CVAT sends. */
export function invoke(url: string, name: string, body: unknown, more: Record<string, string> = {}): Promise<Answer> {
  const headers = { 'content-type': 'application/json', 'x-nuclio-function-name': name, 'x-nuclio-path': '/', ...more };
  return send(`${url}/api/function_invocations`, 'POST', headers, JSON.stringify(body));
}
