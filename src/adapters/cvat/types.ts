/**
 * Calls the adapter makes on a CVAT server, and its record of shapes sent there. Frame numbers count from 0 within a task, in its jobs
 * too.
 */
import type { CvatClient } from './api/client.ts';
import type { RecordedTask } from './jobs/task-files.ts';

/** The calls that watching and learning need; all throw CVAT_FAILED or CVAT_REFUSED. */
export type CvatApi = Pick<CvatClient, 'url' | 'self' | 'project' | 'task' | 'job' | 'jobs' | 'labels' | 'meta' | 'frame' | 'annotations'>;

/** A shape that was uploaded by this project, as it was when the server had stored it. */
export interface UploadedShape {
  /** The server's id. */
  id: number;
  frame: number;
  label_id: number;
  type: string;
  points: readonly number[];
  /** Degrees clockwise. @default 0 */
  rotation?: number;
}

/** Record of uploads to tasks, for comparison with what people made of them. */
export interface UploadLog {
  /** In the order they were added, without those that were taken back. server: address without a slash at its end. */
  uploaded(server: string, task: number): Promise<UploadedShape[]>;
  /** Durable once it resolves. */
  add(server: string, task: number, shapes: readonly UploadedShape[]): Promise<void>;
  /** Taken back: people never decided about them. */
  forget(server: string, task: number, ids: readonly number[]): Promise<void>;
  /** Drops the record of a task that is no more. @default it stays */
  drop?(server: string, task: number): Promise<void>;
  /** Tasks of a server that there is a record of, with the time of its last change in milliseconds since 1970. @default none */
  tasks?(server: string): Promise<RecordedTask[]>;
}

/** Task and frame of an image. */
export interface KnownFrame {
  /** Address of the server without a slash at its end. */
  server: string;
  task: number;
  frame: number;
  /** Project of this service that receives what is learned about the frame. */
  project: string;
}

/** Frames by the hex sha256 of their files. */
export interface FrameIndex {
  get(sha256: string): KnownFrame | undefined;
  /** Hash of a frame's file, where it is known. */
  sha256Of(server: string, task: number, frame: number): string | undefined;
  add(sha256: string, frame: KnownFrame): void;
  /** Hashes of the files of a task's frames, as far as known. @default none */
  imagesOf?(server: string, task: number): string[];
  readonly size: number;
}
