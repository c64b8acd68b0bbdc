/** Table of `prosam prune`. */
import { command, options } from '../common/spec.ts';
import { SUMMARIES } from '../common/summaries.ts';
import { STORE_OPTIONS } from '../serve/spec.ts';

export const PRUNE = command({
  name: 'prune',
  summary: SUMMARIES.prune,
  usage: ['[--apply] [--database URL] [--objects URL] [--config FILE] [--json]'],
  intro: [
    'Lists what nobody needs any more, why, and how many bytes it takes: old predictions, jobs and callbacks that ended, runs and versions beyond the newest, signatures that are over, unused features, and bytes that nothing points to. What a person accepted, references, and the live version and its parent always stay. Nothing is changed without --apply.',
  ],
  options: {
    ...options({ apply: { type: 'flag', about: 'removes what is listed; services may go on running' } }),
    ...STORE_OPTIONS,
    ...options({ json: { type: 'flag', about: 'prints one JSON object on stdout' } }),
  },
  notes: ['How long things stay is configured under prune; prosam serve prunes once a day by itself.'],
  exitCodes: { 0: 'done', 1: 'held off by a backup or another prune', 2: 'failed', 130: 'interrupted' },
  examples: ['prosam prune', 'prosam prune --apply'],
});
