/** Ends this process when the one that started it is gone, even in the middle of a network that takes minutes. */
import { Worker } from 'node:worker_threads';

const EVERY_MS = 1000;

/**
 * Looks from a thread of its own, which goes on while this one computes. Without a parent there is nobody to finish anything for,
 * so the process is killed outright.
 *
 * @param parent its process id
 */
export function endWithParent(parent: number): void {
  // Unix gives orphans another parent. Windows does not, but knows who still runs.
  const gone = process.platform === 'win32' ? `!runs()` : `process.ppid !== ${parent}`;
  const source = `
    const runs = () => { try { return process.kill(${parent}, 0); } catch (error) { return error.code === 'EPERM'; } };
    setInterval(() => { if (${gone}) process.kill(process.pid, 'SIGKILL'); }, ${EVERY_MS});`;
  new Worker(source, { eval: true, execArgv: [] }).on('error', () => undefined).unref();
}
