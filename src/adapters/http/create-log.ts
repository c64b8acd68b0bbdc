/** The log of a service: one JSON line an event, without image bytes, credentials or signed addresses. */
import pino from 'pino';
import type { Log } from '../../service/ports/log.ts';
import { redact, redactText } from './redact.ts';

export const LOG_LEVELS = ['info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export interface LogOptions {
  /** Nothing below it is written. @default 'info' */
  level?: LogLevel;
  /** Takes whole lines. @default standard output */
  destination?: { write(line: string): unknown };
}

export function createLog({ level = 'info', destination }: LogOptions = {}): Log {
  const logger = pino(
    { level, base: null, timestamp: pino.stdTimeFunctions.isoTime, formatters: { level: (label) => ({ level: label }) } },
    destination ? { write: (line) => void destination.write(line) } : pino.destination({ fd: 1, sync: true }),
  );
  const write =
    (at: 'info' | 'warn' | 'error'): Log['info'] =>
    (fields, message) => {
      if (logger.isLevelEnabled(at)) logger[at](redact(fields), redactText(message));
    };
  return { info: write('info'), warn: write('warn'), error: write('error') };
}
