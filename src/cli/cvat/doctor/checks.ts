/** Checks of CVAT and prosam from outside: addresses, tokens, switches, functions and deliveries. */
import type { Finding as AnyFinding } from '../../../core/common/finding.ts';
import type { CvatClient } from '../../../adapters/cvat/api/client.ts';
import { hereOf } from './here.ts';
import { messageOf } from '../../../core/common/errors.ts';

export interface Finding extends AnyFinding {
  /** The compose override puts it right. */
  compose?: boolean;
}

/** Oldest version with masks and webhooks that was tried. */
const OLDEST = [2, 15] as const;

export async function checkServer(client: CvatClient, signal?: AbortSignal): Promise<Finding[]> {
  const findings: Finding[] = [];
  try {
    const { version } = await client.about({ signal });
    const [major = 0, minor = 0] = version.split('.').map(Number);
    const old = major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1]);
    findings.push({
      what: 'CVAT',
      state: old ? 'problem' : 'ok',
      found: `version ${version} at ${client.url}`,
      ...(old && { fix: `Update CVAT to ${OLDEST.join('.')} or newer.` }),
    });
  } catch (error) {
    return [{ what: 'CVAT', state: 'problem', found: messageOf(error), fix: 'Check the address in --server and that CVAT runs.' }];
  }
  try {
    const { username } = await client.self({ signal });
    findings.push({ what: 'token', state: 'ok', found: `belongs to ${username}` });
  } catch (error) {
    return [
      ...findings,
      {
        what: 'token',
        state: 'problem',
        found: messageOf(error),
        fix: 'Make a personal access token in CVAT (profile, security) and give it in CVAT_TOKEN.',
      },
    ];
  }
  findings.push(await checkPlugins(client, signal), await checkModels(client, signal));
  return findings;
}

async function checkPlugins(client: CvatClient, signal?: AbortSignal): Promise<Finding> {
  const what = 'AI tools';
  try {
    const { MODELS: on } = await client.plugins({ signal });
    if (on === true) return { what, state: 'ok', found: 'switched on' };
    return {
      what,
      state: 'problem',
      found: 'switched off, so that CVAT shows none',
      fix: 'Set CVAT_SERVERLESS=1 in cvat_server.',
      compose: true,
    };
  } catch (error) {
    return { what, state: 'note', found: messageOf(error) };
  }
}

async function checkModels(client: CvatClient, signal?: AbortSignal): Promise<Finding> {
  const what = 'CVAT reaches prosam';
  try {
    const ours = (await client.models({ signal })).filter(({ id }) => id.startsWith('prosam'));
    if (ours.length > 0) return { what, state: 'ok', found: `it lists ${ours.map(({ name, kind }) => `${name} (${kind})`).join(', ')}` };
    return {
      what,
      state: 'problem',
      found: 'CVAT answers, and lists no function of prosam',
      fix: 'Point CVAT_NUCLIO_HOST and CVAT_NUCLIO_PORT at prosam in both containers, and start them again.',
      compose: true,
    };
  } catch (error) {
    const fix =
      'CVAT does not reach the address it has for functions: start prosam so that containers reach it (PROSAM_CVAT_HOST, PROSAM_CVAT_PORT, PROSAM_CVAT_ALLOW_FROM).';
    return { what, state: 'problem', found: messageOf(error), fix, compose: true };
  }
}

interface Entry {
  status?: { httpPort?: number };
}
export interface FacadeParts {
  fetch: (url: string, init: RequestInit) => Promise<Response>;
  token?: string | undefined;
  signal?: AbortSignal | undefined;
}

/** Checks prosam from here, where the containers' name of the host means this machine. */
export async function checkFacade(facade: URL, { fetch: ask, token, signal }: FacadeParts): Promise<Finding[]> {
  const here = hereOf(facade);
  const what = 'prosam';
  const late = AbortSignal.timeout(10_000);
  try {
    const headers = { 'x-nuclio-project-name': 'cvat', ...(token !== undefined && { authorization: `Bearer ${token}` }) };
    const response = await ask(new URL('/api/functions', here).href, {
      headers,
      // The token is for this address, not for where it may point.
      redirect: 'manual',
      signal: signal ? AbortSignal.any([signal, late]) : late,
    });
    if (!response.ok) {
      const fix =
        response.status === 401 || response.status === 403
          ? 'CVAT sends no credentials to functions: give it a port of its own (PROSAM_CVAT_PORT) that only its addresses reach (PROSAM_CVAT_ALLOW_FROM).'
          : 'Look at the log of prosam.';
      return [{ what, state: 'problem', found: `answers ${response.status} ${response.statusText} at ${here.origin}/api/functions`, fix }];
    }
    const entries = Object.entries((await response.json()) as Record<string, Entry>);
    const ports = entries.map(([name, { status }]) => `${name} ${status?.httpPort ?? 'without a port'}`);
    return [
      { what, state: 'ok', found: `${entries.length} functions at ${here.origin}` },
      { what: 'ports', state: 'ok', found: ports.length === 0 ? 'no function yet: mark a reference first' : ports.join(', ') },
    ];
  } catch (error) {
    return [
      {
        what,
        state: 'problem',
        found: `does not answer at ${here.origin}: ${messageOf(error)}`,
        fix: startHint(here),
      },
    ];
  }
}

function startHint({ port, protocol }: URL): string {
  const number = port === '' ? (protocol === 'https:' ? '443' : '80') : port;
  return (
    `Start it: PROSAM_CVAT_PORT=${number} PROSAM_CVAT_HOST=0.0.0.0 PROSAM_CVAT_ALLOW_FROM=172.16.0.0/12 prosam serve ` +
    '(host.docker.internal is the name that containers have for this machine, and is asked for at 127.0.0.1 here).'
  );
}

/** Status codes of CVAT's filter against private addresses, and of a failed connection. */
const REFUSED = new Set([407, 502]);

export async function checkWebhooks(client: CvatClient, signal?: AbortSignal): Promise<Finding[]> {
  const what = 'webhooks';
  try {
    const hooks = await client.webhooks({ signal });
    if (hooks.length === 0) return [{ what, state: 'ok', found: 'none; prosam asks CVAT from time to time instead' }];
    const findings: Finding[] = [];
    for (const { id, target_url: to, is_active: active } of hooks) {
      const title = `webhook ${id}`;
      if (!active) {
        findings.push({ what: title, state: 'note', found: `to ${to} is switched off` });
        continue;
      }
      const [newest] = (await client.deliveries(id, { signal })).sort((a, b) => b.created_date.localeCompare(a.created_date));
      const status = newest?.status_code ?? undefined;
      if (status === undefined)
        findings.push({ what: title, state: 'note', found: `to ${to} was never delivered`, fix: 'Press Ping in CVAT.' });
      else if (status < 300) findings.push({ what: title, state: 'ok', found: `to ${to} was last answered ${status}` });
      else findings.push({ what: title, state: 'problem', found: `to ${to} was last answered ${status}`, fix: fixOf(status, to) });
    }
    return findings;
  } catch (error) {
    return [{ what, state: 'note', found: messageOf(error) }];
  }
}

function fixOf(status: number, to: string): string {
  if (REFUSED.has(status)) {
    const host = URL.canParse(to) ? new URL(to).hostname : to;
    return `CVAT sends webhooks through a filter that refuses private addresses: start it with SMOKESCREEN_OPTS="--allow-address=<IP of ${host}>" in the environment of docker compose, or delete the webhook and let prosam ask instead.`;
  }
  if (status === 401 || status === 403) return 'The secret in CVAT and the one in the configuration of prosam differ: make them the same.';
  if (status === 504) return 'prosam did not answer within 10 seconds: look whether it is overloaded.';
  return 'Look at the log of prosam.';
}
