/** The whole way of one project: a reference, predictions, what people make of them, a better version, other predictions. */
import sharp from 'sharp';
import { expect } from 'vitest';
import { sceneWith } from '../../src/scenes/scene-with.ts';
import { cocoRleFromMaskSync, iou, maskFromCocoRle, type CocoRle } from '../../src/index.ts';
import { watchStillness, type Stillness } from '../support/stillness.ts';
import { ask as askOnce } from './serve-process.ts';

/** Of the generated scenes. */
const CONCEPT = 31;
const REFERENCES = 2;
/** Enough to learn from and to tell by: of twenty, eight are held out, and chance decides. */
const PREDICTED = 40;
/** Images nobody ever annotates: what the version is worth to a labeler. */
const FRESH = 12;
const PROJECT = 'kitchen/cups';
/** What is not sure learns on from run to run. */
const MAX_RUNS = 6;

/** Learns much in a short run, as nothing holds it to what it knew; the gate tolerates a little, for its images are few. */
export const QUICK_LEARNER = { steps: 150, lr: 1e-3, keep: 0, margin: 0.05, gateShare: 0.4, folds: 0, method: 'prosam' };

interface Scene {
  base64: string;
  label: string;
  truth: ReturnType<typeof sceneWith>['truth'];
}

async function scenes(count: number, firstSeed: number): Promise<Scene[]> {
  let seed = firstSeed;
  return Promise.all(
    Array.from({ length: count }, async () => {
      const { image, truth } = sceneWith(CONCEPT, () => seed++);
      const { data, width, height } = image;
      // Without colour, which the built-in encoder has learned to rely on: there is something to learn.
      const png = await sharp(data, { raw: { width, height, channels: 3 } })
        .greyscale()
        .png()
        .toBuffer();
      return { base64: png.toString('base64'), label: 'cup', truth };
    }),
  );
}

interface Predicted {
  version: string;
  encoderVersion: string;
  masks: { label: string; rle: CocoRle; quality: { score: number } }[];
}

interface Run {
  state: string;
  reason?: string;
  encoderVersion?: string;
}

interface Version {
  id: string;
  reason: string;
  metrics: { gate: { current: number; candidate: number } };
}

export interface ScenarioResult {
  /** Mean IoU on fresh images: at first, with more references, and with the better version, too. */
  before: number;
  moreReferences: number;
  after: number;
  /** mIoU at the gate. */
  gate: { current: number; candidate: number };
  seconds: number;
}

/** urls: one or more predictors of the same store; requests go to them in turn. It may take any time, as long as it moves. */
export function runScenario(urls: readonly string[]): Promise<ScenarioResult> {
  const still = watchStillness();
  return still.during(scenario(urls, still));
}

async function scenario(urls: readonly string[], { saw }: Stillness): Promise<ScenarioResult> {
  const startedMs = performance.now();
  let turn = 0;
  const next = (): string => urls[turn++ % urls.length] as string;
  const ask = async <T>(url: string, path: string, body?: unknown): Promise<T> => {
    const answer = await askOnce<T>(url, path, body);
    saw(path, JSON.stringify(answer));
    return answer;
  };
  const predict = (url: string, { base64, label }: Scene, encoderVersion?: string) =>
    ask<Predicted>(url, '/v1/predict', {
      ...{ project: PROJECT, image: { base64 }, labels: [label], options: { method: 'prosam' } },
      ...(encoderVersion !== undefined && { encoderVersion }),
    });
  const shareOf = ({ masks }: Predicted, { truth }: Scene): number =>
    iou(maskFromCocoRle((masks[0] as { rle: CocoRle }).rle).data, truth.data);
  const accept = (url: string, scene: Scene, i: number, provenance: string, rle: CocoRle) =>
    ask<{ outcome: string }>(url, '/v1/annotations', {
      ...{ project: PROJECT, source: 'scenario', externalId: `${provenance} ${i}`, revision: 1, provenance },
      ...{ image: { base64: scene.base64 }, masks: [{ label: scene.label, rle }] },
    });

  // Two masks are drawn by hand.
  const references = await scenes(REFERENCES, 1000);
  for (const [i, scene] of references.entries())
    expect((await accept(next(), scene, i, 'drawn', cocoRleFromMaskSync(scene.truth))).outcome).toBe('stored');

  const fresh = await scenes(FRESH, 9000);
  const first = await Promise.all(fresh.map((scene) => predict(next(), scene)));
  expect(new Set(first.map(({ encoderVersion }) => encoderVersion))).toEqual(new Set(['base']));

  // Forty more are predicted; what is good is accepted as it is, the rest is corrected.
  const kinds = { accepted: 0, edited: 0 };
  for (const [i, scene] of (await scenes(PREDICTED, 2000)).entries()) {
    const predicted = await predict(next(), scene);
    const good = shareOf(predicted, scene) > 0.85;
    kinds[good ? 'accepted' : 'edited']++;
    await accept(
      next(),
      scene,
      i,
      good ? 'accepted' : 'edited',
      good ? (predicted.masks[0] as { rle: CocoRle }).rle : cocoRleFromMaskSync(scene.truth),
    );
  }
  expect(kinds.edited).toBeGreaterThan(5);

  const version = await betterVersion(next, ask);
  expect(version.metrics.gate.candidate).toBeGreaterThan(version.metrics.gate.current);

  // Every predictor answers with it, and differently.
  for (const url of urls) await waitFor(async () => (await predict(url, fresh[0] as Scene)).encoderVersion === version.id);
  const second = await Promise.all(fresh.map((scene) => predict(next(), scene)));
  expect(new Set(second.map(({ encoderVersion }) => encoderVersion))).toEqual(new Set([version.id]));
  expect(second[0]?.version).not.toBe(first[0]?.version);
  expect(second.map(({ masks }) => masks[0]?.rle)).not.toEqual(first.map(({ masks }) => masks[0]?.rle));

  const mean = (responses: readonly Predicted[]): number =>
    responses.reduce((sum, response, i) => sum + shareOf(response, fresh[i] as Scene), 0) / FRESH;
  // The references have changed, too: the old version with the new references tells the two apart.
  const old = await Promise.all(fresh.map((scene) => predict(next(), scene, 'base')));
  expect(new Set(old.map(({ encoderVersion }) => encoderVersion))).toEqual(new Set(['base']));
  const { current, candidate } = version.metrics.gate;
  const [moreReferences, after] = [mean(old), mean(second)];
  // On images nobody ever annotated: it was deployed because people get better masks.
  expect(after).toBeGreaterThan(moreReferences);
  return {
    before: mean(first),
    moreReferences,
    after,
    gate: { current, candidate },
    seconds: (performance.now() - startedMs) / 1000,
  };
}

/** Chance decides how a short run on few images ends, and the gate may reject it: each run draws anew. */
async function betterVersion(next: () => string, ask: typeof askOnce): Promise<Version> {
  const project = `/v1/projects/${encodeURIComponent(PROJECT)}`;
  const reasons: string[] = [];
  /** What Label Studio compares with what it holds. */
  const versionAsked = async (): Promise<string> => (await ask<{ version: string }>(next(), project)).version;
  const before = await versionAsked();
  for (let count = 1; count <= MAX_RUNS; count++) {
    await ask(next(), `${project}/train`, {});
    let runs: Run[] = [];
    const ended = async (): Promise<boolean> => {
      ({ runs } = await ask<{ runs: Run[] }>(next(), `${project}/runs`));
      return runs.length === count && runs[0]?.state !== 'running';
    };
    await waitFor(ended);
    const [run] = runs as [Run];
    if (run.state === 'promoted') {
      const version = await ask<Version>(next(), `/v1/versions/${run.encoderVersion}`);
      if (version.metrics.gate.candidate > version.metrics.gate.current) return version;
    }
    // Nothing changed for people, so nothing is asked again.
    if (run.state !== 'promoted') expect(await versionAsked()).toBe(before);
    reasons.push(`${run.state}: ${run.reason}`);
  }
  throw new Error(`no better version in ${MAX_RUNS} runs: ${reasons.join('; ')}`);
}

export async function waitFor(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resume) => setTimeout(resume, 250));
}
