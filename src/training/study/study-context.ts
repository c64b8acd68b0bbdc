/** Context of every study: its settings, its folder, and the engine, loaded once it is needed. */
import { basename, dirname } from 'node:path';
import { foldedName } from '../../core/files/file-name.ts';
import type { TrainingEngine } from '../tfjs/engine.ts';
import { openStudyFolder, type StudyFolder } from './study-folder.ts';
import type { StudyFindings } from './study-result.ts';
import { studySettings, type StudyOptions, type StudySettings } from './study-options.ts';

export interface StudyContext {
  settings: StudySettings;
  folder: StudyFolder;
  engine(): Promise<TrainingEngine>;
  /** Reports work and ends it where the signal says so. */
  progress(what: string, done: number, total: number): void;
  note(line: string): void;
}

export type Study = (context: StudyContext) => Promise<StudyFindings>;

/** @throws OPTION_INVALID */
export function createStudyContext({ engine, ...options }: StudyOptions): StudyContext {
  const settings = studySettings(options);
  let loaded: Promise<TrainingEngine> | undefined;
  return {
    settings,
    folder: openStudyFolder(settings.out),
    engine: () => (loaded ??= engine()),
    progress(what, done, total) {
      settings.signal?.throwIfAborted();
      settings.onProgress?.({ what, done, total });
    },
    note: (line) => settings.onNote?.(line),
  };
}

/** A model's name for tables and folders: what it is called, and its path where another of the study is called so, too. */
export function modelTitle(model: string, among: readonly string[] = []): string {
  const title = shortTitle(model);
  const isAlike = (other: string): boolean => other !== model && foldedName(shortTitle(other)) === foldedName(title);
  return among.some(isAlike) ? `${title} (${model})` : title;
}

/** A built-in one's own name, else the last two parts of its path. */
function shortTitle(model: string): string {
  if (!/[/\\]/.test(model)) return model;
  const parent = basename(dirname(model));
  return parent === '' || parent === '.' || parent === '..' ? basename(model) : `${parent}-${basename(model)}`;
}
