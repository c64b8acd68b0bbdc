/** The console on a real port, in front of a fake service that holds what a busy day leaves. */
import sharp from 'sharp';
import { consoleRoutes } from '../../../../src/adapters/console/console-routes.ts';
import { createGuard, type GuardOptions } from '../../../../src/adapters/http/guard.ts';
import { createHttpApp, type HttpAppOptions } from '../../../../src/adapters/http/http-app.ts';
import { createImageSources } from '../../../../src/adapters/http/images/image-sources.ts';
import { listen } from '../../../../src/adapters/http/listen.ts';
import { annotationRoutes } from '../../../../src/adapters/webhook/annotation-routes.ts';
import { versionRoutes } from '../../../../src/adapters/webhook/version-routes.ts';
import { projectRoutes } from '../../../../src/adapters/webhook/project-routes.ts';
import { cocoRleFromMaskSync } from '../../../../src/core/mask/rle.ts';
import type { VersionRecord } from '../../../../src/service/ports/versions.ts';
import { conceptMask, CONCEPTS, generateScene } from '../../../../src/scenes/index.ts';
import { fakeService, type FakeService } from '../fake-service.ts';

export const TOKENS = { reader: 'reader-token-0123456789', writer: 'writer-token-0123456789', admin: 'admin-token-00123456789' };
const GUARD: GuardOptions = {
  tokens: (['read', 'write', 'admin'] as const).map((access, i) => ({
    name: ['rita', 'walt', 'ada'][i] as string,
    token: Object.values(TOKENS)[i] as string,
    access,
  })),
};

/** Foreign input at its worst. */
export const HOSTILE = '<img src=x onerror="document.title=\'owned\'"><script>document.title="owned"</script>';

const MINUTE = 60_000;
const LABELS = ['mug', 'spoon', 'tea towel'];
/** Titles in a labeling tool. */
const TITLES = new Map([['kitchen', 'Cups and spoons']]);

const CURVE = Array.from({ length: 120 }, (_, i) => ({
  step: 5 * i + 5,
  loss: 0.32 + 0.55 * Math.exp(-i / 28) + 0.02 * Math.sin(i * 2.3),
}));

function version(number: number, change: Partial<VersionRecord>, current: number, candidate: number): VersionRecord {
  const labels = LABELS.map((label, i) => ({
    label,
    pairs: 12,
    current: current + 0.06 * (i - 1),
    candidate: candidate + 0.1 * (i - 1) * (i === 2 ? -1 : 1),
  }));
  return {
    ...{ id: `v-${'3f9a0c7d51e2'.slice(number)}${number}`, project: 'kitchen', number, runId: `run-${number}`, weights: 'a'.repeat(64) },
    ...{
      baseModel: 'tiny@9a897d329434',
      data: 'd',
      seed: 321 + number,
      code: '0.1.0',
      createdMs: Date.now() - (6 - number) * 340 * MINUTE,
    },
    ...{
      outcome: 'promoted' as const,
      reason: `mIoU ${current.toFixed(3)} -> ${candidate.toFixed(3)} on 36 held-out pairs: better than the current version`,
    },
    metrics: {
      gate: { current, candidate, pairs: 36, margin: 0.01, labelMargin: 0.05, minLabelPairs: 4, labels },
      training: { curve: CURVE, steps: 600, seconds: 412, images: 74, masks: 131, labels: 3, engine: 'tfjs-node', device: 'cpu' },
      notes: number === 3 ? ['2 images were left out: gone or damaged'] : [],
    },
    ...change,
  };
}

/** kitchen: a project at work. HOSTILE: one that means harm. */
export async function busyService(): Promise<FakeService> {
  const now = Date.now();
  const service = fakeService({ labels: LABELS, waitingFor: '14 more masks' });
  const { state } = service;
  for (const project of ['kitchen', HOSTILE]) {
    for (let seed = 1; seed <= (project === 'kitchen' ? 20 : 3); seed++) {
      const concept = (7 * seed) % CONCEPTS.length;
      const other = (11 * seed + 5) % CONCEPTS.length;
      const scene = generateScene(seed, { force: [concept, other], size: 320 });
      const bytes = await sharp(scene.image, { raw: { width: 320, height: 320, channels: 3 } })
        .extract({ left: 0, top: 30, width: 320, height: 240 })
        .jpeg({ quality: 90 })
        .toBuffer();
      const externalId = project === 'kitchen' ? `shelf-${seed}.jpg` : HOSTILE;
      const { sha256 } = await service.predictions.prepare({ project, image: bytes, externalId });
      const row = state.images.get(`${project} ${sha256}`);
      const uncertainty = ((seed * 37) % 97) / 100;
      if (row && seed % 7 !== 0) row.uncertainty = uncertainty;
      const masks = [concept, other].map((id, i) => {
        const mask = { data: conceptMask(scene, id).slice(30 * 320, 270 * 320), width: 320, height: 240 };
        const area = mask.data.reduce((sum, value) => sum + value, 0);
        const label = project === 'kitchen' ? (LABELS[(seed + i) % 3] as string) : HOSTILE;
        return {
          label,
          rle: cocoRleFromMaskSync(mask),
          area,
          score: 1 - uncertainty / (i + 1),
          uncertainty: uncertainty / (i + 1),
          method: 'prosam',
        };
      });
      state.predictions.unshift({
        project,
        sha256,
        version: 'v',
        createdMs: now - (20 - seed) * 2 * MINUTE,
        masks: masks.slice(0, 1 + (seed % 2)),
      });
      if (seed > 14 || (project !== 'kitchen' && seed > 2)) {
        const provenance = (['drawn', 'edited', 'accepted', 'ground_truth'] as const)[seed % 4] ?? 'drawn';
        const annotation = { box: [1, 1, 9, 9] } as const;
        const label = project === 'kitchen' ? (LABELS[seed % 3] as string) : HOSTILE;
        await service.annotations.accept({
          ...{
            project,
            source: 'desk',
            externalId: project === 'kitchen' ? `task ${seed}` : `${HOSTILE}${seed}`,
            revision: 1,
            image: { sha256 },
          },
          ...{ provenance, masks: [{ label, ...annotation }], annotator: seed % 2 ? 'Mira' : 'Jonas', flagged: seed === 17 },
        });
      }
    }
  }
  state.versions = [
    version(
      5,
      { outcome: 'rejected', reason: 'mIoU 0.641 -> 0.602 on 36 held-out pairs: worse than the current version by more than 0.01' },
      0.641,
      0.602,
    ),
    version(4, {}, 0.598, 0.641),
    version(3, { outcome: 'promoted' }, 0.517, 0.598),
    version(
      2,
      { outcome: 'rejected', reason: 'mIoU 0.517 -> 0.524 on 36 held-out pairs, but worse by more than 0.05 on spoon 0.48 -> 0.41' },
      0.517,
      0.524,
    ),
    version(1, {}, 0.402, 0.517),
    version(
      1,
      {
        id: 'v-hostile',
        project: HOSTILE,
        reason: HOSTILE,
        metrics: { gate: { current: 0.1, candidate: 0.2, labels: [{ label: HOSTILE, current: 0.1, candidate: 0.2 }] }, notes: [HOSTILE] },
      },
      0.1,
      0.2,
    ),
  ];
  const [, fourth, third] = state.versions;
  state.history = [
    { project: 'kitchen', from: third?.id ?? '', to: fourth?.id ?? '', reason: fourth?.reason ?? '', createdMs: fourth?.createdMs ?? 0 },
    { project: 'kitchen', to: third?.id ?? '', reason: third?.reason ?? '', createdMs: third?.createdMs ?? 0 },
  ];
  state.runs = [
    {
      id: 'run-6',
      project: 'kitchen',
      state: 'running',
      upTo: 140,
      startedMs: now - 4 * MINUTE,
      attempts: 1,
      progress: { phase: 'training', step: 214, steps: 600, loss: 0.4471 },
    },
    ...state.versions.slice(0, 5).map(({ runId: id, createdMs, outcome, reason, project }) => ({
      ...{ id, project, state: outcome, reason, upTo: 100, startedMs: createdMs - 7 * MINUTE, endedMs: createdMs, attempts: 1 },
    })),
    { id: 'run-x', project: HOSTILE, state: 'failed', reason: HOSTILE, upTo: 1, startedMs: now, endedMs: now, attempts: 1 },
  ];
  state.errors = [
    {
      createdMs: now - 3 * MINUTE,
      code: 'URL_FAILED',
      message: 'No image from https://pictures.example/shelf-21.jpg: it answered 404. Check that this machine can reach it.',
      where: 'predict',
    },
    {
      createdMs: now - 55 * MINUTE,
      code: 'IMAGE_UNREADABLE',
      message: 'The image: expected a JPEG, PNG, WebP, TIFF, AVIF, GIF or BMP image, got bytes that do not begin like any of these.',
      where: 'predict',
    },
    { createdMs: now - 90 * MINUTE, code: 'NO_CODE', message: HOSTILE, where: HOSTILE },
  ];
  state.status = {
    ...state.status,
    ...{
      startedMs: now - 26 * 60 * MINUTE,
      engineQueue: { running: 1, waiting: 3, limit: 64 },
      messages: { describe: 4, 'webhook-batch': 1 },
    },
    serving: [{ project: 'kitchen', encoderVersion: fourth?.id ?? '', since: now }],
  };
  return service;
}

export async function startConsole(service: FakeService, anonymous?: 'read' | 'admin', options: Partial<HttpAppOptions> = {}) {
  const app = createHttpApp({ guard: createGuard({ ...GUARD, ...(anonymous && { anonymous }) }), ...options });
  const images = createImageSources({});
  app.mount('/v1', [...annotationRoutes({ service, images }), ...projectRoutes({ service }), ...versionRoutes({ service })]);
  app.mount(
    '/',
    consoleRoutes(service, (project) => TITLES.get(project)),
  );
  const server = await listen(app, { host: '127.0.0.1', port: 0 });
  const close = async (): Promise<void> => {
    await server.close({ deadlineMs: 500 });
    await images.close();
  };
  return { url: server.url, close };
}
