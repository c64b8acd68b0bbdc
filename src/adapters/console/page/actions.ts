/** Changes that people make from the page, through the API: each says how it went, then shows its result. */
import { ProsamClientError } from '../../../client/client-error.ts';
import type { ErasedResponse } from '../../../client/types/records.ts';
import { connection } from './connection.ts';
import { askReason, confirmErasure, say } from './dialogs.ts';
import type { Erase } from './galleries.ts';
import type { Flag } from './tables.ts';
import type { Promote } from './version-list.ts';

export interface ActionsOptions {
  /** The project that is shown. */
  project: () => string;
  /** Shows the state anew. */
  refresh: () => Promise<void>;
}

export interface Actions {
  train(): Promise<void>;
  promote: Promote;
  rollback(): Promise<void>;
  flag: Flag;
  erase: Erase;
}

export function createActions({ project, refresh }: ActionsOptions): Actions {
  const act = async <T>(work: () => Promise<T>, done: string | ((response: T) => string)): Promise<void> => {
    try {
      const response = await work();
      say(typeof done === 'string' ? done : done(response), true);
    } catch (error) {
      say(errorText(error));
    }
    await refresh();
  };
  return {
    train: () => act(() => connection().client.projects.train(project()), 'Training requested. It starts as soon as the learner is free.'),
    async promote(id, name) {
      const chosen = project();
      const reason = await askReason(`Put ${name} into service`);
      if (reason === undefined) return;
      await act(() => connection().client.versions.promote(id, { project: chosen, reason }), `Live: ${name}.`);
    },
    async rollback() {
      const chosen = project();
      const reason = await askReason('Go back to the version before');
      if (reason === undefined) return;
      await act(() => connection().client.projects.rollback(chosen, reason), 'The previous version is live again.');
    },
    flag(annotation, flagged) {
      const done = flagged ? 'Used first from now on.' : 'One among the others again.';
      return act(() => connection().client.annotations.flag(annotation, flagged), done);
    },
    async erase({ project: of, sha256 }, name) {
      if (!(await confirmErasure(name))) return;
      await act(() => connection().client.projects.eraseImage(of, sha256), erasedText);
    },
  };
}

function erasedText({ erased, annotations, predictions, versions }: ErasedResponse): string {
  if (!erased) return 'It was gone already.';
  const learned = versions.length === 0 ? '' : ` Versions that may have learned from it: ${versions.length}.`;
  return `Erased, with ${annotations} annotations and ${predictions} predictions.${learned}`;
}

/** Message and advice of an error. */
export function errorText(error: unknown): string {
  if (!(error instanceof ProsamClientError) || error.status === 0) return 'The service does not answer. Check that it runs.';
  return [error.message, error.hint].filter((text) => text !== undefined && text !== '').join(' ');
}
