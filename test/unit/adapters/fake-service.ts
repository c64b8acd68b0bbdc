/** A service without an engine: remembers in memory, finds what was painted, fails on request. */
import { maskExtent } from '../../../src/core/mask/raster.ts';
import { createHash } from 'node:crypto';
import sharp from 'sharp';
import { ProsamError } from '../../../src/core/common/errors.ts';
import { cocoRleFromMaskSync } from '../../../src/core/mask/rle.ts';
import type {
  AnnotationService,
  PredictionService,
  ProjectService,
  ServiceImage,
  ServicePrediction,
  VersionService,
} from '../../../src/service/types.ts';
import type { ImageRow } from '../../../src/service/ports/storage.ts';
import type { MaskPrediction } from '../../../src/core/engine/types.ts';
import type { VersionRecord } from '../../../src/service/ports/versions.ts';
import { learningCurves } from '../../../src/service/learning/curve.ts';
import { masksByLabel, parsedAnnotations } from '../../../src/service/annotation-masks.ts';
import { fakeStep, roundMask } from './fake-masks.ts';
import type { CallName, FakeService, FakeState, KnownImage } from './fake-state.ts';

/** Probability that every concept is there. */
const PRESENT = 0.9;

export type { FakeService, FakeState };

function without<T extends object, K extends keyof T>(value: T, key: K): Omit<T, K> {
  return Object.fromEntries(Object.entries(value).filter(([name]) => name !== key)) as Omit<T, K>;
}

export function fakeService(changes: Partial<FakeState> = {}): FakeService {
  const state: FakeState = {
    images: new Map(),
    annotations: [],
    predictions: [],
    versions: [],
    history: [],
    runs: [],
    errors: [],
    labels: ['cup'],
    calls: [],
    before: () => undefined,
    status: {
      ...{ ready: true, failing: [], problems: [], baseModel: 'tiny@9a897d329434', device: 'cpu', startedMs: 1_760_000_000_000 },
      ...{ engineQueue: { running: 0, waiting: 0, limit: 64 }, messages: {}, serving: [], learner: 'managed' as const, learning: [] },
    },
    ...changes,
  };
  const current = (project: string): string => state.history.find((one) => one.project === project)?.to ?? 'base';

  const note = async (name: CallName, args: unknown, signal?: AbortSignal): Promise<void> => {
    state.calls.push({ name, args });
    await state.before(name, args, signal);
    signal?.throwIfAborted();
  };
  const know = async (project: string, image: ServiceImage, externalId?: string): Promise<KnownImage & ImageRow> => {
    if (!(image instanceof Uint8Array)) {
      const known = state.images.get(`${project} ${image.sha256}`);
      if (known) return known;
      throw new ProsamError('IMAGE_UNKNOWN', `the project ${project} has no image ${image.sha256}. Send its bytes once.`);
    }
    const sha256 = createHash('sha256').update(image).digest('hex');
    const { width, height } = await sharp(image)
      .metadata()
      .catch((cause: unknown) => {
        throw new ProsamError('IMAGE_UNREADABLE', 'expected an image, got something else. Use JPEG or PNG.', { cause });
      });
    const row = { bytes: image, project, sha256, width, height, createdMs: Date.now(), annotated: false };
    const known = state.images.get(`${project} ${sha256}`) ?? { ...row, ...(externalId !== undefined && { externalId }) };
    state.images.set(`${project} ${sha256}`, known);
    return known;
  };
  const find = (id: string): VersionRecord => {
    const version = state.versions.find((one) => one.id === id);
    if (version) return version;
    throw new ProsamError('VERSION_NOT_FOUND', `expected a version, there is none called ${id}. List them.`);
  };
  const move = (project: string, to: string, reason: string): void => {
    const from = current(project);
    state.history.unshift({ project, reason, createdMs: Date.now(), ...(from !== 'base' && { from }), ...(to !== 'base' && { to }) });
  };

  const predictions: PredictionService = {
    async predict(request, { signal } = {}): Promise<ServicePrediction> {
      await note('predictions.predict', request, signal);
      const { project, labels = state.labels, options = {} } = request;
      const image = await know(project, request.image, request.externalId);
      const masks = labels
        .filter((label) => request.references !== undefined || state.labels.includes(label))
        .map((label, i): MaskPrediction => {
          const shown = PRESENT >= (options.threshold ?? 0);
          const mask = roundMask(image, shown ? 0.3 / (i + 1) : 0);
          const area = mask.data.reduce((sum, value) => sum + value, 0);
          return {
            ...{ label, method: 'prosam', mask, area, ...(shown && { boxXyxy: [1, 2, 3, 4] as const }) },
            quality: { score: 0.8, samIou: 0.9, referenceIou: 0.7, referenceIouFrom: 'mirrored-copy', present: PRESENT },
            ...(options.uncertaintyMap === true && { uncertaintyMap: mask.data.map((value) => 100 * value) }),
            ...(options.instances === true && { instances: [{ boxXyxy: [1, 2, 3, 4], area, mask, score: 0.5 }] }),
          };
        });
      const written = masks.map(({ label, mask, area, quality, method }) => ({
        label,
        rle: cocoRleFromMaskSync(mask),
        area,
        score: quality.score,
        uncertainty: 1 - quality.score,
        method,
      }));
      const version = `tiny@9a89:${current(project)}:r1`;
      if (request.remember !== false)
        state.predictions.unshift({ project, sha256: image.sha256, version, createdMs: Date.now(), masks: written });
      return {
        ...{ project, image: { sha256: image.sha256, width: image.width, height: image.height }, masks, version },
        missing: labels.filter((label) => !masks.some((mask) => mask.label === label)),
        ...{ encoderVersion: request.encoderVersion ?? current(project), baseModel: 'tiny@9a897d329434', device: 'cpu' },
        milliseconds: { total: 12.5, queue: 0.5 },
      };
    },
    async refine(request, { signal } = {}) {
      await note('predictions.refine', request, signal);
      const { width, height } = await know(request.project, request.image);
      const mask = roundMask({ width, height }, 0.2);
      return {
        width,
        height,
        masks: [{ mask, ...maskExtent(mask), samIou: 0.9, objectScore: 0.6, lowResLogits: Float32Array.of(-1.5, 2.25) }],
      };
    },
    async track(request, { signal } = {}) {
      await note('predictions.track', request, signal);
      const { width, height } = await know(request.project, request.image);
      return fakeStep(roundMask({ width, height }, 0.3));
    },
    async prepare(request, { signal } = {}) {
      await note('predictions.prepare', request, signal);
      const { sha256, width, height } = await know(request.project, request.image, request.externalId);
      return { sha256, width, height };
    },
    async list({ project, limit }) {
      await note('predictions.list', { project, limit });
      return state.predictions.filter((one) => project === undefined || one.project === project).slice(0, limit);
    },
  };
  const annotations: AnnotationService = {
    async accept(request, { signal } = {}) {
      await note('annotations.accept', request, signal);
      const { project, source, externalId, revision, provenance, masks, flagged = false, annotator } = request;
      const image = await know(project, request.image, request.imageExternalId);
      const whole = { data: new Uint8Array(image.width * image.height).fill(1), width: image.width, height: image.height };
      const drawn = await masksByLabel(parsedAnnotations(masks), image, { grow: () => Promise.resolve(whole), ...(signal && { signal }) });
      if (drawn.length === 0 && masks.length > 0) throw new ProsamError('MASK_EMPTY', 'nothing is marked. Mark something.');
      const labels = drawn.map(({ label }) => ({ label, area: 7 }));
      const response = { image: { sha256: image.sha256, width: image.width, height: image.height }, masks: labels };
      const same = state.annotations.find((one) => one.project === project && one.source === source && one.externalId === externalId);
      if (same && same.revision > revision) return { ...response, outcome: 'outdated' };
      if (same?.revision === revision) {
        if (same.provenance !== provenance)
          throw new ProsamError('ANNOTATION_CONFLICT', 'the revision holds something else. Send a new one.');
        return { ...response, outcome: 'duplicate' };
      }
      if (same) state.annotations.splice(state.annotations.indexOf(same), 1);
      image.annotated = true;
      const sequence = 1 + Math.max(0, ...state.annotations.map((one) => one.sequence));
      const summary = { project, source, externalId, revision, sha256: image.sha256, provenance, flagged, labels, createdMs: Date.now() };
      const more = { ...(annotator !== undefined && { annotator }), ...(request.absent && { absent: [...request.absent] }) };
      state.annotations.unshift({ ...summary, sequence, ...more, request });
      return { ...response, outcome: 'stored' };
    },
    async delete(key, revision) {
      await note('annotations.delete', { key, revision });
      const at = state.annotations.findIndex(
        (one) => one.project === key.project && one.externalId === key.externalId && one.source === key.source,
      );
      if (at >= 0) state.annotations.splice(at, 1);
      return at >= 0;
    },
    async withdraw(key, revision) {
      await note('annotations.withdraw', { key, revision });
      const at = state.annotations.findIndex(
        (one) => one.project === key.project && one.externalId === key.externalId && one.source === key.source && one.revision <= revision,
      );
      if (at >= 0) state.annotations.splice(at, 1);
      return at >= 0;
    },
    async restore(key) {
      await note('annotations.restore', key);
      return false;
    },
    async flag(key, flagged) {
      await note('annotations.flag', { key, flagged });
      const one = state.annotations.find(
        (each) => each.project === key.project && each.externalId === key.externalId && each.source === key.source,
      );
      if (one) one.flagged = flagged;
      return one !== undefined;
    },
    async list(project, { label, before = Infinity, limit }) {
      await note('annotations.list', { project, label, before, limit });
      const matching = state.annotations.filter((one) => one.project === project && one.sequence < before);
      return matching
        .filter((one) => label === undefined || one.labels.some((each) => each.label === label))
        .slice(0, limit)
        .map((one) => without(one, 'request'));
    },
  };
  const projects: ProjectService = {
    async get(project) {
      await note('projects.get', project);
      const images = [...state.images.values()].filter((one) => one.project === project);
      const of = (label: string) =>
        state.annotations.filter((one) => one.project === project && one.labels.some((each) => each.label === label));
      const run = state.runs.find((one) => one.project === project);
      return {
        ...{ project, version: `tiny@9a89:${current(project)}:r1`, encoderVersion: current(project), images: images.length },
        ...{ annotated: images.filter((one) => one.annotated).length, masks: state.annotations.length },
        concepts: state.labels.map((label) => ({
          label,
          masks: of(label).length,
          references: of(label)
            .slice(0, 5)
            .map(({ sha256, provenance, flagged }) => ({ sha256, provenance, flagged })),
        })),
        curve: learningCurves(state.versions.filter((one) => one.project === project)),
        ...(run && { run }),
        ...(state.waitingFor !== undefined && { waitingFor: state.waitingFor }),
      };
    },
    async list() {
      await note('projects.list', undefined);
      return [...new Set([...state.images.values()].map((one) => one.project))];
    },
    async eraseImage(project, sha256) {
      await note('projects.eraseImage', { project, sha256 });
      return state.images.delete(`${project} ${sha256}`) ? { annotations: 0, predictions: 0, results: 0, versions: [] } : undefined;
    },
    imagesNamed(project, name) {
      const isNamed = ({ externalId = '' }: ImageRow): boolean => `${externalId}:`.startsWith(`${name}:`);
      const all = [...state.images.values()].filter((one) => one.project === project && isNamed(one));
      return Promise.resolve(all.map(({ sha256 }) => sha256));
    },
    async nextImages(project, { limit, offset = 0 }) {
      await note('projects.nextImages', { project, limit, offset });
      const rows = [...state.images.values()].filter((one) => one.project === project && !one.annotated);
      return rows
        .sort((a, b) => (b.uncertainty ?? -1) - (a.uncertainty ?? -1))
        .slice(offset, offset + limit)
        .map((one) => ({ ...without(one, 'bytes'), presence: 0.75 }));
    },
    async imageBytes(project, sha256) {
      await note('projects.imageBytes', { project, sha256 });
      return (await know(project, { sha256 })).bytes;
    },
    async history(project, { limit }) {
      await note('projects.history', { project, limit });
      return state.history.filter((one) => one.project === project).slice(0, limit);
    },
    async rollback(project, reason) {
      await note('projects.rollback', { project, reason });
      const [last] = state.history.filter((one) => one.project === project);
      if (last === undefined) throw new ProsamError('VERSION_NOT_FOUND', 'there is no version before the current one. Promote one.');
      move(project, last.from ?? 'base', reason);
      return { encoderVersion: last.from ?? 'base' };
    },
    async train(project) {
      await note('projects.train', project);
    },
    async runs(project, { limit }) {
      await note('projects.runs', { project, limit });
      return state.runs.filter((one) => one.project === project).slice(0, limit);
    },
  };
  const versions: VersionService = {
    async list({ project, limit }) {
      await note('versions.list', { project, limit });
      return state.versions.filter((one) => project === undefined || one.project === project).slice(0, limit);
    },
    async get(id) {
      await note('versions.get', id);
      return find(id);
    },
    async promote(project, id, reason) {
      await note('versions.promote', { project, id, reason });
      if (id !== 'base' && find(id).project !== project)
        throw new ProsamError('VERSION_NOT_FOUND', 'it belongs to another project. List them.');
      move(project, id, reason);
    },
  };
  return {
    ...{ state, predictions, annotations, projects, versions },
    async status(visible) {
      await note('status', undefined);
      const serving = state.status.serving.filter(({ project }) => visible?.(project) ?? true);
      return { ...state.status, serving, problems: visible ? [] : state.status.problems };
    },
    errors: () => state.errors,
  };
}
