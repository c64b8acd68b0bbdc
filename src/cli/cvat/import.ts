/** `prosam cvat import`: what people finished in CVAT before, read back by a running service. */
import { z } from 'zod';
import { EXIT, UsageError, type Terminal } from '../common/command.ts';
import { parseCommand } from '../common/parse.ts';
import { CVAT_IMPORT } from './spec.ts';

const imported = z.object({ project: z.string(), jobs: z.number(), finished: z.number(), taken: z.number() });
const refused = z.object({ error: z.object({ code: z.string(), message: z.string() }) });
const PATIENCE_MS = 120_000;

/** Resolves to the exit code. */
export async function cvatImport(args: readonly string[], { print, warn, signal }: Terminal): Promise<number> {
  const { values } = parseCommand(CVAT_IMPORT, args);
  const { url, project, task } = values;
  if ((project === undefined) === (task === undefined)) throw new UsageError('expected either --project N or --task N.');
  if (!URL.canParse(url)) throw new UsageError(`--url: expected the address of the running service, got ${JSON.stringify(url)}.`);
  const token = process.env.PROSAM_TOKEN;
  const late = AbortSignal.timeout(PATIENCE_MS);
  const response = await fetch(`${url.replace(/\/+$/, '')}/cvat/import`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(token !== undefined && { authorization: `Bearer ${token}` }) },
    body: JSON.stringify(project === undefined ? { task } : { project }),
    // The token is for this address, not for where it may point.
    redirect: 'manual',
    signal: signal ? AbortSignal.any([signal, late]) : late,
  });
  const json: unknown = await response.json().catch(() => undefined);
  const { success, data } = imported.safeParse(json);
  if (!success) {
    const said = refused.safeParse(json).data?.error;
    const why = said ? `${said.code}: ${said.message}` : `${response.status} ${response.statusText}`;
    const fix = response.status === 404 ? ' Start it with PROSAM_CVAT_URL and PROSAM_CVAT_TOKEN.' : '';
    warn(`The service at ${url} does not import: ${why}${fix}`);
    return EXIT.usage;
  }
  if (values.json) print(JSON.stringify(data));
  else {
    print(`${data.finished} of ${data.jobs} jobs are finished; ${data.taken} are being read back into the project ${data.project}.`);
    if (data.finished === 0) print('Complete a job in CVAT, or move it to a later stage: what is unfinished teaches nothing.');
  }
  return EXIT.ok;
}
