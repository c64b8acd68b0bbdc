/** The Label Studio adapter as part of the service: what it may reach, what it is told, and at which paths it answers. */
import { hostAndPort } from '../adapters/http/address-check.ts';
import type { HttpApp } from '../adapters/http/http-app.ts';
import type { ImageSources } from '../adapters/http/images/image-input.ts';
import { createCheckedFetch } from '../adapters/http/checked-fetch.ts';
import { createImageSources } from '../adapters/http/images/image-sources.ts';
import { baseAddress } from '../adapters/label-studio/api/client.ts';
import { createConnectionApi } from '../adapters/label-studio/connection/connection-api.ts';
import { createConnectionClients } from '../adapters/label-studio/connection/clients.ts';
import { createFetchImage } from '../adapters/label-studio/connection/images.ts';
import { sameService } from '../adapters/label-studio/connection/webhook.ts';
import type { CountedAnnotations } from '../adapters/label-studio/connection/removals.ts';
import { syncRoutes } from '../adapters/label-studio/connection/sync-routes.ts';
import type { CountedAnnotation } from '../adapters/label-studio/types.ts';
import { labelStudio, type LabelStudio } from '../adapters/label-studio/label-studio.ts';
import { cleanOptionsOf } from '../core/mask/clean-mask.ts';
import { everyAnnotation } from '../service/every-annotation.ts';
import type { Log } from '../service/ports/log.ts';
import type { Queue } from '../service/ports/storage.ts';
import type { ServiceMetrics } from '../service/ports/metrics.ts';
import { learningSoon } from '../service/learning-soon.ts';
import type { Service } from '../service/types.ts';
import type { ProsamSettings } from './config-types/config.ts';
import { basicAuthorization, labelStudioLogin } from './label-studio-login.ts';

const LABEL_STUDIO_PATH = '/label-studio';

export interface LabelStudioParts {
  settings: ProsamSettings;
  service: Service;
  app: HttpApp;
  images: ImageSources;
  /** Keeps events before they are answered. */
  queue: Queue;
  log: Log;
  metrics: ServiceMetrics;
  /** Called with what failed, and the name of the project. @default not called */
  onError?: (error: unknown, where: string) => void;
  /** Called with the problem of a project of Label Studio, and with undefined once it is gone. @default not called */
  onProblem?: (project: string, problem: Error | undefined) => void;
}

export interface MountedLabelStudio extends Pick<LabelStudio, 'connections' | 'idle' | 'work'> {
  /** Titles of projects in Label Studio, by their name here. */
  titles: ReadonlyMap<string, string>;
  close(): Promise<void>;
}

/** @throws CONFIG_INVALID */
export function mountLabelStudio(parts: LabelStudioParts): MountedLabelStudio {
  const { settings, service, app, images, queue, log, metrics, onProblem = () => undefined } = parts;
  const { token, backendUrl, name, reconcileMinutes, softDeadlineMs, instances, threshold, tolerance, keepOutdated, mountAtRoot } =
    settings.labelStudio;
  const { minArea, fillHoles, largestOnly } = settings.labelStudio;
  const { allowHosts, maxBytes, timeoutMs, maxPixels, valueRange } = settings.images;
  const url = settings.labelStudio.url === undefined ? undefined : baseAddress(settings.labelStudio.url);
  // Though it is a private address; everything else is refused, however it came to be asked.
  const there = url === undefined ? [] : [hostAndPort(url)];
  const checked = createCheckedFetch({ allowHosts: there, allowPorts: [] });
  const clients = createConnectionClients({ fetch: checked.fetch });
  const own = createImageSources({
    ...{ allowHosts: [...allowHosts, ...there], maxBytes, maxPixels, timeoutMs },
    ...(valueRange && { valueRange }),
  });
  const titles = new Map<string, string>();
  const login = labelStudioLogin(settings);
  const api = createConnectionApi({
    clients,
    ...(backendUrl !== undefined && {
      webhook: () => ({ backendUrl, ...(login && { authorization: basicAuthorization(login) }) }),
    }),
    counted: ({ project }) => countedAnnotations(service, project, name),
    onProblem: ({ project }, problem) => onProblem(project, problem),
    onTitle: ({ project }, title) => {
      if (title !== '') titles.set(project, title);
    },
    ...(backendUrl !== undefined && { isOwn: (url: string) => sameService(url, backendUrl) }),
    passwordOf: (user) => settings.auth.basic.find(({ name: one }) => one === user)?.password,
    keepOutdated,
    asksForLogin: settings.auth.basic.length + settings.auth.tokens.length + settings.auth.hmac.length > 0,
    report: parts.onError,
    everyMs: reconcileMinutes * 60_000,
    log,
  });
  const adapter = labelStudio({
    ...{ service, images, api, queue, log, metrics, name, instances, ...(threshold !== undefined && { threshold }) },
    ...(tolerance !== undefined && { tolerance }),
    cleaning: cleanOptionsOf({ minArea, fillHoles, largestOnly }),
    learning: (visible) => learningSoon(service, visible),
    report: parts.onError,
    fetchImage: createFetchImage({ own, elsewhere: images, clients }),
    limits: { softDeadlineMs, maxPixels },
    ...(url !== undefined && { hostname: url }),
    ...(token !== undefined && { token }),
  });
  api.use(adapter.recorder);
  app.mount(LABEL_STUDIO_PATH, [...adapter.routes, ...syncRoutes({ api, connections: adapter.connections, name })]);
  // There /health answers already, and that is all Label Studio asks of it.
  if (mountAtRoot)
    app.mount(
      '/',
      adapter.routes.filter(({ path }) => path !== '/health'),
    );
  return {
    ...{ connections: adapter.connections, titles },
    idle: () => adapter.idle(),
    work: () => adapter.work(),
    async close() {
      await api.close();
      await adapter.close(settings.limits.shutdownMs);
      await own.close();
      await checked.close();
    },
  };
}

/** The annotations of Label Studio that count here; ids of another form never came from there. */
async function countedAnnotations(service: Pick<Service, 'annotations'>, project: string, source: string): Promise<CountedAnnotations> {
  const found = new Map<number, CountedAnnotation[]>();
  for await (const { source: from, externalId, revision } of everyAnnotation(service, project)) {
    const id = from === source ? /^(\d{1,15})(?:@|$)/.exec(externalId)?.[1] : undefined;
    if (id !== undefined) found.set(Number(id), [...(found.get(Number(id)) ?? []), { externalId, revision }]);
  }
  return found;
}
