/** `prosam cvat doctor`: problems between CVAT and prosam, with a compose file to paste. */
import { findingText, problemsOf, verdictText } from '../../../core/common/finding.ts';
import { cvatConnection } from '../connection.ts';
import { composeOverride } from './compose.ts';
import { checkContainers, createDocker } from './containers.ts';
import { checkFacade, checkServer, checkWebhooks, type Finding } from './checks.ts';
import { checkFunctions, functionCalls } from './functions.ts';
import { checkLearning } from './learning.ts';
import { EXIT, UsageError, type Terminal } from '../../common/command.ts';
import { parseCommand } from '../../common/parse.ts';
import { CVAT_DOCTOR } from '../spec.ts';

/** Resolves to the exit code. */
export async function cvatDoctor(args: readonly string[], { print, signal }: Terminal): Promise<number> {
  const { values } = parseCommand(CVAT_DOCTOR, args);
  const { url } = values;
  if (!URL.canParse(url)) throw new UsageError(`--url: expected the address of prosam as CVAT sees it, got ${JSON.stringify(url)}.`);
  const client = cvatConnection(values);
  const facade = new URL(url);
  const parts = { fetch: (address: string, init: RequestInit) => fetch(address, init), token: process.env.PROSAM_TOKEN, signal };
  const calls = await functionCalls(facade, parts);
  const findings: Finding[] = [
    ...(await checkServer(client, signal)),
    ...(await checkFacade(facade, parts)),
    ...(await checkFunctions(calls, parts)),
    ...(await checkLearning(facade, parts)),
    ...(await checkContainers(facade, calls, createDocker(signal))),
    ...(await checkWebhooks(client, signal)),
  ];
  const wrong = problemsOf(findings);
  const override = wrong.some(({ compose }) => compose === true) ? composeOverride(facade) : undefined;
  if (values.json) print(JSON.stringify({ ok: wrong.length === 0, findings, ...(override !== undefined && { override }) }));
  else {
    for (const finding of findings) print(findingText(finding));
    if (override !== undefined)
      print(`\nSave this beside CVAT's docker-compose.yml as docker-compose.override.yml and run docker compose up -d:\n\n${override}`);
    print(`\n${verdictText(findings)}`);
  }
  return wrong.length === 0 ? EXIT.ok : EXIT.someFailed;
}
