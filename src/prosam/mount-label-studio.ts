/** The Label Studio adapter as part of the service: what it may reach, what it is told, and at which paths it answers. */
import { hostAndPort } from '../adapters/http/address-check.ts';
import type { HttpApp } from '../adapters/http/http-app.ts';
import type { ImageSources } from '../adapters/http/image-input.ts';
import { createImageSources } from '../adapters/http/image-sources.ts';
import { baseAddress } from '../adapters/label-studio/api-client.ts';
import { createConnectionApi } from '../adapters/label-studio/connection-api.ts';
import { createConnectionClients } from '../adapters/label-studio/connection-clients.ts';
import { createCheckedFetch } from '../adapters/label-studio/connection-fetch.ts';
import { createFetchImage } from '../adapters/label-studio/connection-images.ts';
import { labelStudio, type LabelStudio } from '../adapters/label-studio/label-studio.ts';
import type { Log } from '../core/log.ts';
import type { ServiceMetrics } from '../core/service-metrics.ts';
import type { Service } from '../core/service-types.ts';
import type { ProsamSettings } from './config-schema.ts';
import { basicAuthorization, labelStudioLogin } from './label-studio-login.ts';

export const LABEL_STUDIO_PATH = '/label-studio';

export interface LabelStudioParts {
  settings: ProsamSettings;
  service: Service;
  app: HttpApp;
  images: ImageSources;
  log: Log;
  metrics: ServiceMetrics;
}

export interface MountedLabelStudio extends Pick<LabelStudio, 'connections' | 'idle'> {
  close(): Promise<void>;
}

/** @throws CONFIG_INVALID */
export function mountLabelStudio({ settings, service, app, images, log, metrics }: LabelStudioParts): MountedLabelStudio {
  const { token, backendUrl, name, reconcileMinutes, softDeadlineMs, instances, root } = settings.labelStudio;
  const { allowHosts, maxBytes, timeoutMs, maxPixels } = settings.images;
  const url = settings.labelStudio.url === undefined ? undefined : baseAddress(settings.labelStudio.url);
  // Though it is a private address; everything else is refused, however it came to be asked.
  const there = url === undefined ? [] : [hostAndPort(url)];
  const checked = createCheckedFetch({ allowHosts: there, allowPorts: [] });
  const clients = createConnectionClients({ fetch: checked.fetch });
  const own = createImageSources({ allowHosts: [...allowHosts, ...there], maxBytes, timeoutMs });
  const login = labelStudioLogin(settings);
  const api = createConnectionApi({
    clients,
    ...(backendUrl !== undefined && {
      webhook: () => ({ backendUrl, ...(login && { authorization: basicAuthorization(login) }) }),
    }),
    counted: ({ project }) => countedIds(service, project, name),
    everyMs: reconcileMinutes * 60_000,
    log,
  });
  const adapter = labelStudio({
    ...{ service, images, api, log, metrics, name, instances },
    fetchImage: createFetchImage({ own, elsewhere: images, clients }),
    limits: { softDeadlineMs, maxPixels },
    ...(url !== undefined && { hostname: url }),
    ...(token !== undefined && { token }),
  });
  api.use(adapter.recorder);
  app.mount(LABEL_STUDIO_PATH, adapter.routes);
  // There /health answers already, and that is all Label Studio asks of it.
  if (root)
    app.mount(
      '/',
      adapter.routes.filter(({ path }) => path !== '/health'),
    );
  return {
    connections: adapter.connections,
    idle: () => adapter.idle(),
    async close() {
      await api.close();
      await adapter.close(settings.limits.shutdownMs);
      await own.close();
      await checked.close();
    },
  };
}

/** Of the service's lists. */
const MAX_PAGE = 1000;

/** Numbers of the annotations of Label Studio that count here. */
async function countedIds(service: Service, project: string, source: string): Promise<Set<number>> {
  const ids = new Set<number>();
  for (let before: number | undefined; ;) {
    const page = await service.annotations(project, { limit: MAX_PAGE, ...(before !== undefined && { before }) });
    for (const one of page) if (one.source === source) ids.add(Number.parseInt(one.externalId, 10));
    before = page.at(-1)?.sequence;
    if (page.length < MAX_PAGE || before === undefined) return ids;
  }
}
