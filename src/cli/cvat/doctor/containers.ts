/** Checks of the environment of CVAT's containers, and of their way to prosam, where Docker is available. */
import { execFile } from 'node:child_process';
import { childEnvironment } from '../../../core/common/child-environment.ts';
import { messageOf } from '../../../core/common/errors.ts';
import { CONTAINERS, expectedEnvironment, SERVERLESS } from './compose.ts';
import type { Finding } from './checks.ts';
import { portHint, type FunctionCall } from './functions.ts';

/** Runs docker with arguments; resolves to its output. timeoutMs: @default 20,000 */
export type Docker = (args: readonly string[], timeoutMs?: number) => Promise<string>;

export function createDocker(signal?: AbortSignal): Docker {
  return (args, timeoutMs = 20_000) =>
    new Promise((done, fail) => {
      const names = Object.keys(process.env).filter((name) => name.startsWith('DOCKER_'));
      const env = childEnvironment(process.env, { groups: ['network'], names });
      execFile('docker', [...args], { env, timeout: timeoutMs, maxBuffer: 2 ** 22, ...(signal && { signal }) }, (error, stdout, stderr) => {
        if (error) fail(new Error((stderr.trim().split('\n').pop() ?? '') || error.message, { cause: error }));
        else done(stdout);
      });
    });
}

/** calls: of functions, made from the containers, too, where prosam is reached from there. */
export async function checkContainers(facade: URL, calls: readonly FunctionCall[], docker: Docker): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const container of CONTAINERS) {
    let told: Record<string, string>;
    try {
      told = environmentOf(await docker(['inspect', '--format', '{{json .Config.Env}}', container]));
    } catch (error) {
      findings.push({
        what: container,
        state: 'note',
        found: `Docker does not tell: ${messageOf(error)}`,
        fix: 'Run this on the machine where CVAT runs, or compare its environment with the override of the documentation.',
      });
      continue;
    }
    const reached = await reachFinding(container, facade, docker);
    findings.push(environmentFinding(container, told, facade), reached);
    const isDirect = told.CVAT_NUCLIO_INVOKE_METHOD === 'direct' || told.CVAT_NUCLIO_INVOKE_METHOD === undefined;
    if (reached.state === 'ok' && isDirect) findings.push(...(await callFindings(container, calls, docker)));
  }
  return findings;
}

function environmentOf(json: string): Record<string, string> {
  const list = JSON.parse(json) as unknown;
  const lines = Array.isArray(list) ? list.filter((line) => typeof line === 'string') : [];
  return Object.fromEntries(lines.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]));
}

function environmentFinding(container: string, told: Readonly<Record<string, string>>, facade: URL): Finding {
  const wanted = { ...expectedEnvironment(facade), ...(container === 'cvat_server' && { [SERVERLESS]: '1' }) };
  // Functions have ports of their own, so calling them directly works as well.
  const differs = Object.entries(wanted).filter(([name, value]) => !OPTIONAL.has(name) && told[name] !== value);
  if (differs.length === 0) return { what: container, state: 'ok', found: `calls ${told.CVAT_NUCLIO_HOST}:${told.CVAT_NUCLIO_PORT}` };
  const found = differs.map(([name, value]) => `${name} is ${told[name] ?? 'not set'}, expected ${value}`).join('; ');
  return {
    what: container,
    state: 'problem',
    found,
    fix: 'Set them in the compose override below; both containers need them.',
    compose: true,
  };
}

const OPTIONAL = new Set(['CVAT_NUCLIO_INVOKE_METHOD', 'CVAT_NUCLIO_DEFAULT_TIMEOUT', 'CVAT_NUCLIO_SCHEME']);

async function reachFinding(container: string, facade: URL, docker: Docker): Promise<Finding> {
  const address = new URL('/api/functions', facade).href;
  const what = `${container} reaches prosam`;
  try {
    const code = `import urllib.request; print(urllib.request.urlopen(${JSON.stringify(address)}, timeout=10).status)`;
    const status = (await docker(['exec', container, 'python3', '-c', code])).trim();
    return { what, state: status === '200' ? 'ok' : 'problem', found: `${address} answers ${status}` };
  } catch (error) {
    const fix =
      'Let prosam listen on an address that containers reach (PROSAM_CVAT_HOST, PROSAM_CVAT_PORT, PROSAM_CVAT_ALLOW_FROM), open its port in the firewall, and give the containers extra_hosts: ["host.docker.internal:host-gateway"].';
    return { what, state: 'problem', found: messageOf(error), fix, compose: true };
  }
}

/** Functions called from a container at most: each has a port of its own, and all are opened alike. */
const MOST = 5;
const CALLS_MS = 120_000;
const CALL = [
  'import json, sys, urllib.error, urllib.request',
  'for url, headers, body in json.loads(sys.argv[1]):',
  '  try: print(urllib.request.urlopen(urllib.request.Request(url, body.encode(), headers), timeout=20).status)',
  '  except urllib.error.HTTPError as error: print(error.code, error.reason)',
  '  except Exception as error: print(0, error)',
].join('\n');

/** Calls functions on their own ports, as CVAT does unless it is told to go through the dashboard. */
async function callFindings(container: string, calls: readonly FunctionCall[], docker: Docker): Promise<Finding[]> {
  const direct = calls.filter(({ port }) => port !== undefined).slice(0, MOST);
  if (direct.length === 0) return [];
  const what = `${container} calls functions`;
  const asked = JSON.stringify(direct.map(({ url, headers, body }) => [url, headers, body]));
  try {
    const answers = (await docker(['exec', container, 'python3', '-c', CALL, asked], CALLS_MS)).trim().split('\n');
    const failed = direct.flatMap(({ name, port = 0 }, i): Finding[] => {
      const answer = answers[i]?.trim() ?? '';
      if (answer === '200') return [];
      const said = answer === '' ? 'nothing' : answer;
      const fix = said.startsWith('403') ? `Let the addresses of the containers in: PROSAM_CVAT_ALLOW_FROM.` : portHint(port);
      return [{ what, state: 'problem', found: `${name} on port ${port} answers ${said}`, fix, compose: !said.startsWith('403') }];
    });
    return failed.length > 0
      ? failed
      : [{ what, state: 'ok', found: direct.map(({ name, port }) => `${name} on port ${port}`).join(', ') }];
  } catch (error) {
    return [{ what, state: 'note', found: `Docker does not tell: ${messageOf(error)}` }];
  }
}
