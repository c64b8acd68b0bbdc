/** Names of files that hold records of one task of one server. */
import { createHash } from 'node:crypto';

/** A task that there is a record of, with the time of its last change in milliseconds since 1970. */
export interface RecordedTask {
  task: number;
  changedMs: number;
}

/** File name, without extension, for one task of one server. */
export function taskFile(server: string, task: number): string {
  return `${createHash('sha256').update(server).digest('hex').slice(0, 12)}-task-${task}`;
}

/** Tasks of a server among files of such names. ending: behind the name. */
export function tasksIn(files: readonly { file: string; changedMs: number }[], server: string, ending = '.jsonl'): RecordedTask[] {
  const prefix = taskFile(server, 0).slice(0, -1);
  return files.flatMap(({ file, changedMs }) => {
    const task = file.startsWith(prefix) && file.endsWith(ending) ? file.slice(prefix.length, file.length - ending.length) : '';
    return /^\d{1,15}$/.test(task) ? [{ task: Number(task), changedMs }] : [];
  });
}
