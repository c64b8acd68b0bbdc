/** The service of `serve.ts`, started and asked. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { HostileRequest } from './requests.ts';
import { dyingWithUs } from '../../support/dies-with-us.ts';

export interface Answer {
  status: number;
  text: string;
}

export interface HostileTarget {
  url: string;
  /** Longest hold-up of the event loop since the last question, in milliseconds of processor time. */
  longestMs(): Promise<number>;
  /** onSent: the body is with the service. */
  ask(request: HostileRequest, onSent?: () => void): Promise<Answer>;
  health(): Promise<number>;
  stop(): Promise<void>;
}

export async function startHostileTarget(): Promise<HostileTarget> {
  const child = spawn(...dyingWithUs(process.execPath, [fileURLToPath(new URL('serve.ts', import.meta.url))]), {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const [{ url }] = (await Promise.race([
    once(child, 'message'),
    once(child, 'exit').then(() => Promise.reject(new Error('the service ended'))),
  ])) as [{ url: string }];
  return {
    url,
    async longestMs() {
      child.send('longest');
      const [{ longestMs }] = (await once(child, 'message')) as [{ longestMs: number }];
      return longestMs;
    },
    async ask({ path, method = 'POST', headers, body }, onSent) {
      const made = await body();
      const sent = new ReadableStream<Uint8Array>({
        pull(stream) {
          stream.enqueue(made);
          stream.close();
          onSent?.();
        },
      });
      const response = await fetch(new URL(path, url), {
        method,
        ...(made.length > 0 && { headers: { ...headers, 'content-length': `${made.length}` }, body: sent, duplex: 'half' as const }),
      });
      return { status: response.status, text: await response.text() };
    },
    health: async () => (await fetch(new URL('/health', url))).status,
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.disconnect();
      await once(child, 'exit');
    },
  };
}
