/** The learner: the run in progress with its loss, and the runs before. */
import { el, type Child } from '../../../client/page/elements.ts';
import type { OverviewResponse, ProjectResponse, RunView } from '../responses.ts';
import { lossCurve, type LossPoint } from './charts.ts';
import { ago, duration, decimal, pill, type PillKind } from './format.ts';
import { table } from './tables.ts';

const KINDS: Record<RunView['state'], PillKind> = { promoted: 'good', rejected: 'warn', failed: 'bad', running: '' };
const MAX_ENDED = 6;
const MAX_CURVES = 20;
const MAX_POINTS = 6;

/** Losses seen since the page was opened, by run. */
const seenLosses = new Map<string, LossPoint[]>();

export interface LearnerState {
  run?: RunView | undefined;
  runs: readonly RunView[];
  waitingFor?: string | undefined;
  learner: OverviewResponse['status']['learner'];
  concepts?: ProjectResponse['info']['concepts'] | undefined;
  /** Quality over masks accepted, by label. */
  curve?: ProjectResponse['info']['curve'] | undefined;
}

export function learnerPart({ run, runs, waitingFor, learner, concepts = [], curve = [] }: LearnerState): Child[] {
  const state = run?.state === 'running' ? runningRun(run) : [fact(stateText(learner, waitingFor))];
  return [...state, fits(concepts), curves(curve), endedRuns(runs)];
}

function stateText(learner: LearnerState['learner'], waitingFor: string | undefined): string {
  if (learner === 'off') return 'The learner is off: nothing is learned from annotations.';
  return waitingFor === undefined ? 'No run is under way.' : `The next run waits: ${waitingFor}`;
}

function runningRun({ id, attempts, progress }: RunView): Child[] {
  const known = progress !== undefined && progress.total > 0 ? progress : undefined;
  const loss = progress?.loss === undefined ? '' : `, loss ${decimal(progress.loss)}`;
  const again = attempts > 1 ? `, taken up ${attempts} times` : '';
  const bar = el('progress', { 'aria-label': 'progress of the run', ...(known && { max: known.total, value: known.done }) });
  return [fact(phaseText(known) + loss + again, 'status'), bar, lossCurve(lossesOf(id, progress), 'Loss since you opened this page')];
}

function phaseText(progress: RunView['progress']): string {
  if (progress === undefined) return 'Getting ready';
  const { phase, done, total, fold } = progress;
  if (phase === 'gate') return `Gate: pair ${done} of ${total}`;
  const part = fold === undefined ? 'Training' : `Training without held-out images, ${fold.number} of ${fold.of}`;
  return `${part}: step ${done} of ${total}`;
}

function lossesOf(id: string, progress: RunView['progress']): readonly LossPoint[] {
  const seen = seenLosses.get(id) ?? [];
  if (progress?.phase === 'training' && progress.loss !== undefined) {
    if (seen.at(-1)?.step !== progress.done) seen.push({ step: progress.done, loss: progress.loss });
    seenLosses.set(id, seen);
  }
  return seen;
}

/** Numbers fitted to labels, and what left-out images gained. */
function fits(concepts: NonNullable<LearnerState['concepts']>): Child {
  const rows = concepts.flatMap(({ label, fit }) =>
    fit === undefined
      ? []
      : [
          [
            el('strong', {}, label),
            `${fit.images} masks`,
            `${decimal(fit.plain)} → ${decimal(fit.learned)}`,
            fit.used ? 'in use' : 'not used',
          ],
        ],
  );
  return rows.length === 0 ? undefined : table(['Label', 'Fitted on', 'IoU of left-out images', ''], rows.slice(0, MAX_CURVES));
}

/** IoU on held-out images after each gate: the newest ones. */
function curves(all: NonNullable<LearnerState['curve']>): Child {
  if (all.length === 0) return undefined;
  const rows = all.slice(0, MAX_CURVES).map(({ label, points }) => {
    const shown = points.slice(-MAX_POINTS).map(({ accepted, iou }) => `${accepted}: ${decimal(iou)}`);
    return [el('strong', {}, label), shown.join(', ')];
  });
  return table(['Label', 'IoU on held-out images after so many accepted masks'], rows);
}

function endedRuns(runs: readonly RunView[]): Child {
  const ended = runs.filter(({ state }) => state !== 'running');
  if (ended.length === 0) return undefined;
  const rows = ended.slice(0, MAX_ENDED).map(({ state, startedMs, endedMs = startedMs, reason = '' }) => {
    return [pill(state, KINDS[state]), ago(endedMs), duration((endedMs - startedMs) / 1000), reason];
  });
  return table(['Run', 'Ended', 'Took', 'Why'], rows);
}

function fact(text: string, role?: 'status'): HTMLParagraphElement {
  return el('p', { class: 'fact', role }, text);
}
