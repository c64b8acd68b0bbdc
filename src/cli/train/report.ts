/** report.html of a run, written after every validation and at its end. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { trainingReport, type StepRow, type ValidationRow } from '../../training/report/training-report.ts';
import type { EndEvent, StartEvent, TrainingEvent } from '../../training/loop/trainer.ts';
import type { DatasetClass } from '../../training/types.ts';
import { PICTURE_LEGEND, readPictures, writePictures } from './pictures.ts';
import { refuseTaken, writeOwn } from '../common/write-file.ts';

export interface RunReport {
  /** For before anything is loaded. @throws OUTPUT_TAKEN where something else has the report's name */
  check(): Promise<void>;
  /** Takes an event in; writes files where it is time. @throws OUTPUT_FAILED, OUTPUT_TAKEN, IMAGE_* */
  tell(event: TrainingEvent): Promise<void>;
}

/** out: folder of the run. */
export function createRunReport(out: string, classes: readonly DatasetClass[]): RunReport {
  const steps: StepRow[] = [];
  const validations: ValidationRow[] = [];
  let start: StartEvent | undefined;
  // A folder with a checkpoint is a run's, perhaps from before its files were marked.
  const own = { about: 'training run', adopt: existsSync(join(out, 'checkpoint.safetensors')) };
  const file = join(out, 'report.html');
  const write = async (end?: EndEvent): Promise<void> => {
    if (start === undefined) return;
    const { engine, device, settings, stepsPerEpoch } = start;
    const validated = new Set(validations.map(({ step }) => step));
    const pictures = await readPictures(join(out, 'pictures'), validated, stepsPerEpoch);
    const legend = pictures.length > 0 ? ` Pictures: ${PICTURE_LEGEND}` : '';
    const html = trainingReport({
      settings: { ...settings, 'runs on': engine, 'frozen networks on': device, 'steps per epoch': stepsPerEpoch },
      ...{ steps, validations, pictures },
      status: `${standing(start, steps.at(-1)?.step ?? start.done, end)}${legend}`,
    });
    await writeOwn(file, html, own);
  };
  return {
    check: () => refuseTaken([file], own),
    async tell(event) {
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
          await writePictures(join(out, 'pictures'), event, classes, own);
          await write();
          break;
        case 'end':
          await write(event);
      }
    },
  };
}

/** Where the run stands, in words. */
function standing({ steps, settings }: StartEvent, step: number, end: EndEvent | undefined): string {
  const where = `${settings['dataset'] ?? ''}, fold ${settings['fold'] ?? ''}:`;
  if (end === undefined) return `${where} running, ${step} of ${steps} steps done.`;
  const best = end.bestMiou < 0 ? '' : ` The best mIoU, ${end.bestMiou.toFixed(2)} %, came after step ${end.bestStep}.`;
  return `${where} ${end.reason} after ${end.step} of ${steps} steps.${best}`;
}
