/** Explanations of the hub's refusals, each with what to do. */
import { messageOf, ProsamError } from '../../common/errors.ts';
import type { HubSettings } from './settings.ts';

/** Request made to the hub. */
export interface Asked {
  /** owner/name */
  repo: string;
  revision: string;
  /** A file of it. */
  file?: string;
}

const MAX_SAID = 300;

/** response: any that is not ok. */
export function refusalOf(response: Response, asked: Asked, { endpoint, token }: HubSettings): ProsamError {
  const { status } = response;
  const reason = response.headers.get('x-error-code') ?? '';
  const page = `${endpoint}/${asked.repo}`;
  const refused = (text: string): ProsamError => new ProsamError('HUB_REFUSED', `${page}: ${text}`);
  if (reason === 'GatedRepo') {
    return refused(
      token === undefined
        ? `is gated (status ${status}). Sign in, accept its terms on that page, and set HF_TOKEN to a token of that account.`
        : `is gated, and the account of the token has not been let in (status ${status}). Accept its terms on that page with that account.`,
    );
  }
  if (reason === 'RevisionNotFound') return refused(`has no revision ${asked.revision}. Name a branch, a tag or a commit of it.`);
  if (reason === 'EntryNotFound') return refused(`has no file ${asked.file ?? ''} at revision ${asked.revision}.`);
  if (status === 401 && token !== undefined) {
    return refused('the token was not accepted, or the repository does not exist (status 401). Check HF_TOKEN and the name.');
  }
  if (status === 404 || status === 401) {
    return refused(
      `there is no such repository, or it is private (status ${status}). Check the name; ` +
        (token === undefined
          ? 'for a private one set HF_TOKEN to a token that may read it.'
          : 'the token may not be one that can read it.'),
    );
  }
  if (status === 403) return refused(`the token may not read this (status 403)${said(response)}. Use one that may.`);
  return new ProsamError('HUB_FAILED', `${page}: the hub answered with status ${status}${said(response)}. Try again later.`);
}

/** A request that got no answer. */
export function unreachable(error: unknown, { endpoint }: HubSettings): ProsamError {
  const cause = error instanceof Error ? error.cause : undefined;
  const why = (cause as { code?: string } | undefined)?.code ?? messageOf(cause ?? error);
  return new ProsamError(
    'HUB_FAILED',
    `${endpoint}: cannot be reached (${why}). Check the network, HF_ENDPOINT and the proxy (Node reads HTTPS_PROXY where ` +
      `NODE_USE_ENV_PROXY=1); without a network copy the hub's cache or the files, and use --offline or prosam models add.`,
    { cause: error },
  );
}

/** The server's own words, on one line. */
function said(response: Response): string {
  const words = (response.headers.get('x-error-message') ?? '').replace(/[^\x20-\x7e]+/g, ' ').trim();
  return words === '' ? '' : `: ${words.slice(0, MAX_SAID)}`;
}
