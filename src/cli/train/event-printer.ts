/** Output of a running `prosam train`: a live line on a terminal, a line per validation, or JSON. */
import type { StepRow } from '../../training/report/training-report.ts';
import type { StartEvent, StepEvent, TrainingEvent, ValidationEvent } from '../../training/loop/trainer.ts';
import { createProgress, type Progress } from '../common/progress.ts';
import type { Terminal } from '../common/command.ts';

export interface EventPrinter {
  show(event: TrainingEvent): void;
  /** Clears the live line. */
  clear(): void;
}

/** Prints one line of JSON an event, without the pixels. */
export function jsonPrinter({ print }: Pick<Terminal, 'print'>): EventPrinter {
  return {
    show: (event) => print(JSON.stringify(plain(event))),
    clear: () => undefined,
  };
}

function plain(event: TrainingEvent): object {
  switch (event.type) {
    case 'start': {
      const { history, ...rest } = event;
      return { ...rest, historyRows: history.length };
    }
    case 'step': {
      const { type, row, ...rest } = event;
      return { type, ...row, ...rest };
    }
    case 'validation': {
      const { type, row, best, examples } = event;
      const pairs = examples.map(({ episode: { classId, reference, target }, iou }) => ({
        ...{ classId, reference: reference.key, target: target.key, iou },
      }));
      return { type, ...row, best, examples: pairs };
    }
    default:
      return event;
  }
}

/** Weight of the latest step in the loss of the live line. */
const SMOOTHING = 0.05;

/** Prints for people. epochs: of the whole run. stderr: stream of the live line. */
export function humanPrinter(
  { print }: Pick<Terminal, 'print'>,
  epochs: number,
  stderr: NodeJS.WriteStream = process.stderr,
): EventPrinter {
  let steps: Progress | undefined;
  let pairs: Progress | undefined;
  let start: StartEvent | undefined;
  let miou = '';
  let loss: number | undefined;
  /** Steps since the last line. */
  let since: { rows: StepRow[]; at: number } = { rows: [], at: performance.now() };
  /** The line of an epoch waits, because a validation adds to it. */
  let epochDue = false;

  const clear = (): void => {
    steps?.clear();
    pairs?.clear();
  };
  const line = (validation?: ValidationEvent): void => {
    const last = since.rows.at(-1);
    const [step, epoch] = validation ? [validation.row.step, validation.row.epoch] : [last?.step ?? 0, (last?.epoch ?? 0) + 1];
    const parts = [`epoch ${Number(epoch.toFixed(2))} of ${epochs}, step ${step} of ${start?.steps ?? step}`];
    if (last) parts.push(`loss ${mean(since.rows, 'loss').toFixed(3)}`);
    if (last?.coarse !== undefined) parts.push(`coarse ${mean(since.rows, 'coarse').toFixed(3)}`);
    if (last?.keep !== undefined) parts.push(`keep ${mean(since.rows, 'keep').toFixed(4)}`);
    if (last?.muCosine !== undefined && Number.isFinite(last.muCosine)) parts.push(`prompts alike ${last.muCosine.toFixed(3)}`);
    if (last && Number.isFinite(last.sigmaMean)) parts.push(`sigma ${last.sigmaMean.toPrecision(3)}`);
    if (validation) parts.push(`mIoU ${validation.row.miou.toFixed(2)} %, FB-IoU ${validation.row.fbIou.toFixed(2)} %`);
    if (validation?.best) parts.push('best so far');
    if (last) parts.push(`${((1000 * since.rows.length) / (performance.now() - since.at)).toFixed(1)} steps/s`);
    clear();
    print(parts.join(', '));
    since = { rows: [], at: performance.now() };
    epochDue = false;
  };
  const onStep = ({ row }: StepEvent): void => {
    loss = loss === undefined ? row.loss : loss + SMOOTHING * (row.loss - loss);
    const sigma = Number.isFinite(row.sigmaMean) ? `, sigma ${row.sigmaMean.toPrecision(3)}` : '';
    steps?.advance(`loss ${loss.toFixed(3)}${sigma}${miou}`);
    since.rows.push(row);
    epochDue = row.step % (start?.stepsPerEpoch ?? 1) === 0;
  };

  return {
    clear,
    show(event) {
      if (epochDue && event.type !== 'validating' && event.type !== 'validation') line();
      switch (event.type) {
        case 'start':
          start = event;
          since.at = performance.now();
          steps = createProgress(event.steps, stderr, event.done);
          break;
        case 'step':
          onStep(event);
          break;
        case 'validating':
          if (event.done === 1) pairs = createProgress(event.total, stderr);
          pairs?.advance('validation pairs');
          break;
        case 'validation':
          miou = `, mIoU ${event.row.miou.toFixed(1)} %`;
          line(event);
          break;
        case 'end':
          if (since.rows.length > 0) line();
          clear();
          break;
        case 'checkpoint':
          break;
      }
    },
  };
}

function mean(rows: readonly StepRow[], key: 'loss' | 'coarse' | 'keep'): number {
  return rows.reduce((sum, row) => sum + (row[key] ?? NaN), 0) / rows.length;
}
