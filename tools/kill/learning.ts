/** SIGKILL of learner and service in the middle of training, checkpoints, the gate and promotion: every run counts once. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { ask, startProcess, startServe, type RunningProcess, type Served } from '../../test/e2e/serve-process.ts';
import { annotationOf, pictures } from './pictures.ts';
import type { KillPlace, KillRow } from './place.ts';

const PROJECT = 'learning';
/** Short runs with many checkpoints, so that every phase is hit: also the trainings without some of the images. */
const LEARNER = {
  steps: 10,
  lr: 1e-2,
  checkpointEvery: 2,
  batch: 2,
  samples: 2,
  gatePairs: 6,
  minNewMasks: 0,
  minImages: 3,
  coolDownMs: 0,
  leaseMs: 1500,
  margin: 1,
  labelMargin: 1,
  minGateImages: 1,
  alikeIou: 1,
  folds: 4,
  maxAttempts: 1000,
};
/** From the first sign of a run to the kill: all of its phases, and a moment after it. */
const LATEST_MS = 5000;
/** Share of kills that come before there is any sign of a run. */
const EARLY_SHARE = 0.15;
const IMAGES = 8;

interface Run {
  id: string;
  state: string;
  attempts: number;
  encoderVersion?: string;
  progress?: { phase?: string };
}
interface Version {
  id: string;
  runId: string;
  outcome: string;
}

export async function killLearning(
  { folder, environment, name }: KillPlace,
  kills: number,
  random: () => number,
  say: (text: string) => void,
): Promise<KillRow> {
  writeFileSync(join(folder, 'prosam.config.json'), JSON.stringify({ learner: LEARNER }));
  const start = (): Promise<Served> => startServe({ folder, environment }, ['--learner', 'external', '--log-level', 'error']);
  const learn = (): RunningProcess => startProcess(['learn', '--json', '--settings', JSON.stringify(LEARNER)], { folder, environment });
  const sent = await pictures(IMAGES);
  const phases = new Map<string, number>();
  const problems: string[] = [];
  let service = await start();
  for (const [i, picture] of sent.entries()) await ask(service.url, '/v1/annotations', annotationOf(picture, PROJECT, `l${i}`));

  for (let kill = 0; kill < kills; kill++) {
    await ask(service.url, `/v1/projects/${PROJECT}/train`, {});
    const learner = learn();
    const early = random() < EARLY_SHARE;
    if (!early) await running(service.url);
    await wait(random() * LATEST_MS);
    const { runs } = await ask<{ runs: Run[] }>(service.url, `/v1/projects/${PROJECT}/runs`);
    const phase = runs[0]?.state === 'running' ? (runs[0].progress?.phase ?? 'claimed') : 'between runs';
    phases.set(phase, (phases.get(phase) ?? 0) + 1);
    await learner.kill();
    if (kill % 5 === 4) {
      await service.kill();
      service = await start();
    }
    await check(service.url, sent[0]?.base64 as string, problems);
    say(`${name}, learning: ${kill + 1} of ${kills} kills, ${runs.length} runs`);
  }
  // Nobody disturbs it now: what was begun must come to an end.
  const learner = learn();
  const until = Date.now() + 120_000;
  const everyRun = async () => (await ask<{ runs: Run[] }>(service.url, `/v1/projects/${PROJECT}/runs?limit=1000`)).runs;
  let runs = await everyRun();
  while ((runs.length === 0 || runs[0]?.state === 'running') && Date.now() < until) {
    await wait(500);
    runs = await everyRun();
  }
  await learner.stop();
  await check(service.url, sent[0]?.base64 as string, problems);
  await service.stop();
  const ended = runs.filter(({ state }) => state === 'promoted' || state === 'rejected');
  if (runs.some(({ state }) => state === 'running')) problems.push('a run never came to an end');
  if (ended.length === 0) problems.push('no run came to an end');
  const resumed = runs.filter(({ attempts }) => attempts > 1).length;
  const failed = runs.filter(({ state }) => state === 'failed').length;
  const hit = Object.fromEntries([...phases].map(([phase, count]) => [`while ${phase}`, count]));
  if (failed > 0) problems.push(`${failed} runs failed`);
  return {
    where: name,
    what: 'training, gate, promotion',
    kills,
    counts: { runs: runs.length, 'ended in one version each': ended.length, resumed, failed, ...hit },
    problems: [...new Set(problems)],
  };
}

async function running(url: string): Promise<void> {
  const until = Date.now() + 20_000;
  for (;;) {
    const { runs } = await ask<{ runs: Run[] }>(url, `/v1/projects/${PROJECT}/runs?limit=1`);
    // Also one whose learner was killed: the new one takes it up.
    if (runs[0]?.state === 'running' || Date.now() > until) return;
    await wait(50);
  }
}

/** Invariants that must hold at any moment, seen from outside. */
async function check(url: string, base64: string, problems: string[]): Promise<void> {
  const { runs } = await ask<{ runs: Run[] }>(url, `/v1/projects/${PROJECT}/runs?limit=1000`);
  const { versions } = await ask<{ versions: Version[] }>(url, `/v1/versions?project=${PROJECT}&limit=1000`);
  const byRun = new Map<string, number>();
  for (const { runId } of versions) byRun.set(runId, (byRun.get(runId) ?? 0) + 1);
  if ([...byRun.values()].some((count) => count > 1)) problems.push('a run counted twice');
  if (runs.filter(({ state }) => state === 'running').length > 1) problems.push('two runs at once');
  for (const { state, id, encoderVersion: made } of runs) {
    if ((state === 'promoted' || state === 'rejected') !== byRun.has(id))
      problems.push(`run ${id} is ${state} with ${byRun.get(id) ?? 0} versions`);
    if (made !== undefined && !versions.some((one) => one.id === made)) problems.push(`version ${made} is missing`);
  }
  // It answers, with a version that passed.
  const { encoderVersion } = await ask<{ encoderVersion: string }>(url, '/v1/predict', { project: PROJECT, image: { base64 } });
  if (encoderVersion !== 'base' && versions.find(({ id }) => id === encoderVersion)?.outcome !== 'promoted')
    problems.push(`${encoderVersion} answers without having passed`);
}
