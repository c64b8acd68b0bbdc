/** The CVAT adapter as part of the service: at a path of its own, and on the ports that CVAT takes for Nuclio's. */
import { BlockList, isIP } from 'node:net';
import { join } from 'node:path';
import { cvat, type DirectListener } from '../adapters/cvat/cvat.ts';
import { createAnswerLog } from '../adapters/cvat/annotate/answer-log.ts';
import { createPortRegistry } from '../adapters/cvat/nuclio/port-registry.ts';
import { createPollCursor } from '../adapters/cvat/jobs/poll-cursor.ts';
import { createReviewLog } from '../adapters/cvat/jobs/review-log.ts';
import { createReviewNotes } from '../adapters/cvat/jobs/review-notes.ts';
import { createCvatClient } from '../adapters/cvat/api/client.ts';
import { createUploadLog } from '../adapters/cvat/jobs/upload-log.ts';
import type { BodyBudget } from '../adapters/http/body/body-budget.ts';
import { LOOPBACK_HOSTS } from '../adapters/http/browser-safety.ts';
import { createGuard } from '../adapters/http/guard.ts';
import { createHttpApp, type HttpApp, type NodeHandler } from '../adapters/http/http-app.ts';
import type { ImageSources } from '../adapters/http/images/image-input.ts';
import { listen, type Listening } from '../adapters/http/listen.ts';
import type { Route } from '../adapters/http/route.ts';
import { messageOf, ProsamError } from '../core/common/errors.ts';
import { cleanOptionsOf } from '../core/mask/clean-mask.ts';
import type { Log } from '../service/ports/log.ts';
import { learningSoon } from '../service/learning-soon.ts';
import type { Service } from '../service/types.ts';
import type { Queue } from '../service/ports/storage.ts';
import { isLoopback } from './config.ts';
import type { ProsamSettings } from './config-types/config.ts';

const CVAT_PATH = '/cvat';

export interface CvatParts {
  settings: ProsamSettings;
  service: Service;
  app: HttpApp;
  bodies: BodyBudget;
  images: ImageSources;
  queue: Queue;
  log: Log;
}

export interface MountedCvat {
  /** Opens the ports that CVAT asks, and begins to look for jobs people are done with. @throws CONFIG_INVALID where its port is taken */
  listen(): Promise<void>;
  /** Reasons why its jobs do not teach. */
  problems: () => string[];
  close(): Promise<void>;
}

/** Host name of this machine for CVAT's own servers and functions in containers. */
const CONTAINER_HOST = 'host.docker.internal';
/** JSON with an image of 48 MiB in it. */
const MAX_JSON_BYTES = 64 * 2 ** 20;
/** Share of the bodies in memory: callers of these ports, who have no credentials, must not keep out those who have some. */
const BODY_SHARE = 0.5;

/** @throws CONFIG_INVALID */
export function mountCvat({ settings, service, app, bodies, images, queue, log }: CvatParts): MountedCvat {
  const {
    url,
    token,
    organization,
    name,
    project,
    webhook,
    pollMinutes,
    prefetch,
    instances,
    attributes,
    leastPart,
    threshold,
    tolerance,
    minArea,
    fillHoles,
    largestOnly,
    uploads,
    mountAtRoot,
    ...own
  } = settings.cvat;
  const host = own.host ?? settings.host;
  if (own.port !== undefined) checkReach(host, own.allowFrom);
  const onlyThose = own.allowFrom.length > 0 ? allowOnly(own.allowFrom) : undefined;
  const api = url === undefined || token === undefined ? undefined : createCvatClient({ url, token, organization });
  const ports =
    own.port === undefined ? undefined : createPortRegistry({ ...own.functionPorts, ...(own.portsFile !== '' && { file: own.portsFile }) });
  const share = bodies.part(BODY_SHARE);
  const open = new Map<string, Listening>();
  let listening = false;

  const start = async (key: string, port: number, routes: readonly Route[]): Promise<void> => {
    if (open.has(key)) return;
    open.set(key, await listen(shell(routes), { host, port }));
    log.info({ port }, `cvat: ${key} answers`);
  };
  const shell = (routes: readonly Route[]): HttpApp => {
    const shellApp = createHttpApp({
      // CVAT can send no credentials: whoever may reach the port may ask.
      guard: createGuard({ anonymous: 'write' }),
      log,
      bodies: share,
      errorsInStatusLine: true,
      limits: { json: { bytes: MAX_JSON_BYTES } },
      allowedHosts: [...LOOPBACK_HOSTS, CONTAINER_HOST, host, ...(settings.allowedHosts ?? [])],
    });
    if (onlyThose) shellApp.use('/', onlyThose);
    shellApp.mount('/', routes);
    return shellApp;
  };
  const openPorts = async (listeners: readonly DirectListener[]): Promise<void> => {
    if (!listening) return;
    for (const { name: one, port, routes } of listeners) {
      // One that is taken by somebody else keeps no other function from being called.
      await start(one, port, routes).catch((error: unknown) =>
        log.error({ port }, `cvat: ${one} cannot be called directly: ${messageOf(error)}`),
      );
    }
  };

  const adapter = cvat({
    ...{
      service,
      images,
      learning: (visible?: (project: string) => boolean) => learningSoon(service, visible),
      queue,
      log,
      name,
      instances,
      attributes,
      leastPart,
      tolerance,
      cleaning: cleanOptionsOf({ minArea, fillHoles, largestOnly }),
      ...(threshold !== undefined && { threshold }),
      open: openPorts,
      prefetchStarted: prefetch,
      answers: createAnswerLog(uploads),
    },
    limits: { maxBytes: settings.images.maxBytes, maxPixels: settings.images.maxPixels },
    webhookSecrets: webhook.secret === undefined ? [] : [webhook.secret],
    ...(api && {
      ...{ api, uploads: createUploadLog(uploads), pollMs: pollMinutes * 60_000 },
      ...{ reviews: createReviewLog(uploads), notes: createReviewNotes(join(uploads, 'notes.json')) },
      cursor: createPollCursor(join(uploads, 'polled.json')),
    }),
    ...(ports && { ports }),
    ...(project !== undefined && { project }),
  });
  app.mount(CVAT_PATH, adapter.routes);
  // What only Nuclio would be asked: other adapters have a /webhook of their own there.
  if (mountAtRoot)
    app.mount(
      '/',
      adapter.routes.filter(({ path }) => path.startsWith('/api/')),
    );
  let stop: (() => Promise<void>) | undefined;
  return {
    problems: adapter.problems,
    async listen() {
      if (listening) return;
      listening = true;
      if (own.port !== undefined) await start('the list of functions', own.port, adapter.routes);
      stop = await adapter.work();
    },
    async close() {
      await stop?.();
      await Promise.all([...open.values()].map((one) => one.close({ deadlineMs: settings.limits.shutdownMs })));
      await adapter.close();
    },
  };
}

function checkReach(host: string, allowFrom: readonly string[]): void {
  if (isLoopback(host) || allowFrom.length > 0) return;
  throw new ProsamError(
    'CONFIG_INVALID',
    `cvat.allowFrom: expected the addresses or networks CVAT calls from before listening on ${host}, for it sends no credentials; got none. ` +
      'Name them, such as 172.16.0.0/12 for containers on this machine, or listen on 127.0.0.1.',
  );
}

/** @throws CONFIG_INVALID for what is no address or network */
function allowOnly(entries: readonly string[]): NodeHandler {
  const allowed = new BlockList();
  for (const entry of entries) {
    const [address = '', bits] = entry.split('/');
    const family = isIP(address);
    try {
      if (family === 0) throw new Error('it is no address');
      const kind = family === 4 ? 'ipv4' : 'ipv6';
      if (bits === undefined) allowed.addAddress(address, kind);
      else allowed.addSubnet(address, Number(bits), kind);
    } catch (cause) {
      throw new ProsamError(
        'CONFIG_INVALID',
        `cvat.allowFrom: expected addresses or networks such as 172.16.0.0/12, got ${JSON.stringify(entry)}. Correct it.`,
        { cause },
      );
    }
  }
  allowed.addSubnet('127.0.0.0', 8, 'ipv4');
  allowed.addAddress('::1', 'ipv6');
  return (request, _response, next) => {
    const address = (request.socket.remoteAddress ?? '').replace(/^::ffff:/i, '');
    if (isIP(address) !== 0 && allowed.check(address, isIP(address) === 4 ? 'ipv4' : 'ipv6')) next();
    else next(new ProsamError('FORBIDDEN', 'This address may not ask here. Add it to cvat.allowFrom.'));
  };
}
