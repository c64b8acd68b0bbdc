/** Reasons why jobs teach nothing, for operators: shapes nobody has reviewed, and masks kept because their shapes vanished. */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { z } from 'zod';

const note = z.object({ server: z.string(), task: z.int(), job: z.int(), waiting: z.int(), replaced: z.int(), doubted: z.int() });

/** Reasons why a job does not teach, as counts of shapes or masks. */
export interface ReviewNote {
  /** Address of CVAT without a slash at its end. */
  server: string;
  task: number;
  job: number;
  /** Machine-made shapes that no person has looked at. */
  waiting: number;
  /** Masks that stay although their shapes are gone. */
  replaced: number;
  /** Masks that stay, or predictions that do not count as rejected, because nearly all of them vanished at once. */
  doubted: number;
}

export interface ReviewNotes {
  /** One with nothing to say takes the last one back. */
  set(server: string, about: Omit<ReviewNote, 'server'>): void;
  /** A task, or one job of it, is no more. */
  drop(server: string, of: { task: number; job?: number | undefined }): void;
  list(): ReviewNote[];
  /** The same, one sentence for each thing to know. */
  sentences: () => string[];
}

/** file: where they are kept over restarts; without one they last as long as the process. What cannot be read there is found again by and by. */
export function createReviewNotes(file?: string): ReviewNotes {
  const notes = new Map(read(file).map((one) => [keyOf(one), one]));
  const write = (): void => {
    if (file === undefined) return;
    mkdirSync(dirname(file), { recursive: true });
    const aside = `${file}.${process.pid}`;
    writeFileSync(aside, `${JSON.stringify([...notes.values()])}\n`);
    renameSync(aside, file);
  };
  return {
    set(server, about) {
      const one = { server, ...about };
      const says = about.waiting + about.replaced + about.doubted > 0;
      const before = notes.get(keyOf(one));
      if (says ? JSON.stringify(before) === JSON.stringify(one) : before === undefined) return;
      if (says) notes.set(keyOf(one), one);
      else notes.delete(keyOf(one));
      write();
    },
    drop(server, { task, job }) {
      const fitting = [...notes].filter(([, one]) => one.server === server && (job === undefined ? one.task === task : one.job === job));
      for (const [key] of fitting) notes.delete(key);
      if (fitting.length > 0) write();
    },
    list: () => [...notes.values()],
    sentences: () => sentencesOf([...notes.values()]),
  };
}

function keyOf({ server, job }: Pick<ReviewNote, 'server' | 'job'>): string {
  return `${job} ${server}`;
}

function read(file: string | undefined): ReviewNote[] {
  if (file === undefined) return [];
  try {
    return z.array(note).parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch {
    return [];
  }
}

const MAX_NAMED = 5;

function sentencesOf(notes: readonly ReviewNote[]): string[] {
  const of = (what: 'waiting' | 'replaced' | 'doubted'): { count: string; jobs: string; many: boolean } | undefined => {
    const found = notes.filter((one) => one[what] > 0).sort((a, b) => a.job - b.job);
    if (found.length === 0) return undefined;
    const sum = found.reduce((total, one) => total + one[what], 0);
    const named = found.slice(0, MAX_NAMED).map(({ job }) => job);
    const more = found.length > MAX_NAMED ? ` and ${found.length - MAX_NAMED} more` : '';
    return { count: String(sum), jobs: `${found.length === 1 ? 'job' : 'jobs'} ${named.join(', ')}${more}`, many: sum > 1 };
  };
  const [waiting, replaced, doubted] = [of('waiting'), of('replaced'), of('doubted')];
  return [
    waiting &&
      `cvat: ${waiting.count} machine-made ${waiting.many ? 'shapes wait' : 'shape waits'} for review in ${waiting.jobs} and nothing is learned ` +
        'from them, for nobody has finished work there since they appeared: look at them in CVAT, reopen the job and complete it again.',
    replaced &&
      `cvat: ${replaced.count} ${replaced.many ? 'masks' : 'mask'} learned from ${replaced.jobs} ${replaced.many ? 'stay' : 'stays'} as a person left ` +
        'them, though the shapes are no longer there and nobody has finished work since: complete the job again if they are to go.',
    doubted &&
      `cvat: ${doubted.count} masks of ${doubted.jobs}, most of what was there, vanished at once: what was learned stays as it was until ` +
        'somebody reopens the job and completes it again.',
  ].filter((one) => one !== undefined);
}
