/** One end of the pipe between an engine and its worker: whole messages in, whole messages out. */
import type { Duplex } from 'node:stream';
import { createFrameReader, frameOf } from './ipc-frames.ts';

export interface WorkerLink<Sent> {
  /**
   * Small messages are with the system when this returns, provided that nothing was waiting; large ones go out bit by bit.
   *
   * @throws TypeError, DataCloneError where something cannot be sent
   */
  send(message: Sent): void;
  /** Resolves when everything sent so far is with the system. */
  flushed(): Promise<void>;
}

/** onEnd: the other side is gone. */
export function createWorkerLink<Sent>(
  pipe: Duplex,
  { onMessage, onEnd }: { onMessage: (message: unknown) => void; onEnd?: () => void },
): WorkerLink<Sent> {
  let writing = 0;
  let waiting: (() => void)[] = [];
  const written = (): void => {
    if (--writing > 0) return;
    for (const resolve of waiting) resolve();
    waiting = [];
  };
  pipe.on('data', createFrameReader(onMessage));
  // Writing to somebody who died is an error; that he did is told by the end of the pipe.
  pipe.on('error', () => undefined);
  pipe.once('close', () => {
    for (const resolve of waiting) resolve();
    onEnd?.();
  });

  return {
    send(message) {
      const parts = frameOf(message);
      writing++;
      pipe.cork();
      parts.forEach((part, i) => pipe.write(part, i === parts.length - 1 ? written : undefined));
      pipe.uncork();
    },
    flushed: () => (writing === 0 || pipe.destroyed ? Promise.resolve() : new Promise((resolve) => waiting.push(resolve))),
  };
}
