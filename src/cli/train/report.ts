/** Writes report.html of a run after every validation and at its end. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { trainingReport, type StepRow, type ValidationRow } from '../../training/report/training-report.ts';
import type { EndEvent, StartEvent, TrainingEvent } from '../../training/loop/trainer.ts';
import type { DatasetClass } from '../../training/types.ts';
import type { ImageReading } from '../../core/image/values/reading.ts';
import { PAIR_LEGEND, readPairImages, writePairImages } from './pair-images.ts';
import { refuseTaken, writeOwn } from '../common/write-file.ts';

export interface RunReport {
  /** Checks the report's place before anything is loaded. @throws OUTPUT_TAKEN for a file that is not this report */
  check(): Promise<void>;
  /** Adds an event, and writes files after validations and at the end. @throws OUTPUT_FAILED, OUTPUT_TAKEN, IMAGE_* */
  add(event: TrainingEvent): Promise<void>;
}

/** out: folder of the run. */
export function createRunReport(out: string, classes: readonly DatasetClass[], reading?: ImageReading): RunReport {
  const steps: StepRow[] = [];
  const validations: ValidationRow[] = [];
  let start: StartEvent | undefined;
  // A folder with a checkpoint belongs to a run, even if its files are not marked.
  const own = { about: 'training run', adopt: existsSync(join(out, 'checkpoint.safetensors')) };
  const file = join(out, 'report.html');
  const write = async (end?: EndEvent): Promise<void> => {
    if (start === undefined) return;
    const { engine, device, settings, stepsPerEpoch } = start;
    const validated = new Set(validations.map(({ step }) => step));
    const images = await readPairImages(join(out, 'pictures'), validated, stepsPerEpoch);
    const legend = images.length > 0 ? ` Images: ${PAIR_LEGEND}` : '';
    const html = trainingReport({
      settings: { ...settings, 'runs on': engine, 'frozen networks on': device, 'steps per epoch': stepsPerEpoch },
      ...{ steps, validations, images },
      status: `${standing(start, steps.at(-1)?.step ?? start.done, end)}${legend}`,
    });
    await writeOwn(file, html, own);
  };
  return {
    check: () => refuseTaken([file], own),
    async add(event) {
      switch (event.type) {
        case 'start':
          start = event;
          for (const row of event.history) {
            if (row.type === 'step') steps.push(row);
            else validations.push(row);
          }
          break;
        case 'step':
          steps.push(event.row);
          break;
        case 'validation':
          validations.push(event.row);
          await writePairImages(join(out, 'pictures'), event, classes, { ...own, reading });
          await write();
          break;
        case 'end':
          await write(event);
      }
    },
  };
}

/** Progress of the run in words. */
function standing({ steps, settings }: StartEvent, step: number, end: EndEvent | undefined): string {
  const where = `${settings['dataset'] ?? ''}, fold ${settings['fold'] ?? ''}:`;
  if (end === undefined) return `${where} running, ${step} of ${steps} steps done.`;
  const best = end.bestMiou < 0 ? '' : ` The best mIoU, ${end.bestMiou.toFixed(2)} %, came after step ${end.bestStep}.`;
  return `${where} ${end.reason} after ${end.step} of ${steps} steps.${best}`;
}
