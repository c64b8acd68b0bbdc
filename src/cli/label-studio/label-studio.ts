/** `prosam label-studio`: connects a project of Label Studio, finds what is wrong with a connection, and annotates without one. */
import { parseArgs } from 'node:util';
import { openContext } from './context.ts';
import type { Terminal } from '../common/terminal.ts';
import { UsageError, wholeNumber } from '../common/usage.ts';

export const LABEL_STUDIO_HELP = `prosam label-studio: work with a Label Studio server

  prosam label-studio doctor [--project N]     look at everything a connection needs, and print the fix for what is wrong
  prosam label-studio connect --project N      make this service the project's model: connection, login, webhook
  prosam label-studio annotate --project N     predict every task that has no prediction of the current version, and store them
  prosam label-studio sync --project N         have "prosam serve" compare its annotations with Label Studio's now

  --url URL         of Label Studio (default: LABEL_STUDIO_URL, or labelStudio.url of the configuration)
  --token TOKEN     personal access token or legacy token, see Account & Settings there (default: LABEL_STUDIO_API_KEY,
                    or labelStudio.token where --url is labelStudio.url)
  --backend URL     at which Label Studio reaches "prosam serve" (default: labelStudio.backendUrl, or the host and port of
                    the configuration with /label-studio). annotate: without it, a service of its own is run meanwhile
  --from-here URL   the same service as reached from here, where that differs (containers)
  --login U:P       with which Label Studio logs in there (default: of auth.basic in the configuration)
  --batch N         annotate: tasks in one request (default: 8)
  --all             annotate: people's own tasks, too
  --accept-removals sync: all annotations that Label Studio shows no longer are gone, however many they are
  --restore         sync: all annotations that Label Studio shows count again, also those removed here
  --config FILE     as for prosam serve
  --json            one JSON document on stdout

Tasks that are done are not done again, so an interrupted annotate goes on where it was.

Exit code: 0 everything is right, 1 something is wrong, 2 not done.

Examples:
  export LABEL_STUDIO_URL=http://localhost:8080 LABEL_STUDIO_API_KEY=...
  prosam label-studio doctor
  prosam label-studio connect --project 3 --backend http://localhost:9090/label-studio
  prosam label-studio annotate --project 3
`;

const ACTIONS = ['doctor', 'connect', 'annotate', 'sync'] as const;

/** -> exit code */
export async function labelStudioCommand(args: readonly string[], terminal: Terminal): Promise<number> {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean' } as const;
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      ...{ url: text, token: text, project: text, backend: text, 'from-here': text, login: text, batch: text, config: text },
      ...{ all: flag, json: flag, 'accept-removals': flag, restore: flag },
    },
  });
  const [name, ...more] = positionals;
  const action = ACTIONS.find((one) => one === name);
  if (action === undefined || more.length > 0)
    throw new UsageError(`label-studio: expected one of ${ACTIONS.join(', ')}, got ${positionals.join(' ') || 'nothing'}.`);
  const project = values.project === undefined ? undefined : wholeNumber('project', values.project);
  const context = await openContext({
    ...{ url: values.url, token: values.token, backend: values.backend, fromHere: values['from-here'] },
    ...{ login: values.login, configFile: values.config, project },
  });
  const json = values.json === true;
  if (action === 'doctor') {
    const { doctor } = await import('./doctor/doctor.ts');
    return doctor(context, terminal, { json });
  }
  if (project === undefined) throw new UsageError(`label-studio ${action}: expected --project with the number in the project's address.`);
  if (action === 'connect') {
    const { connect } = await import('./connect.ts');
    return connect({ ...context, project }, terminal, { json });
  }
  if (action === 'sync') {
    const { sync } = await import('./sync.ts');
    const options = { acceptRemovals: values['accept-removals'] === true, restore: values.restore === true };
    return sync({ ...context, project }, terminal, { json, ...options });
  }
  const batch = values.batch === undefined ? 8 : wholeNumber('batch', values.batch);
  if (batch < 1 || batch > 100) throw new UsageError(`--batch: expected 1 to 100, got ${batch}.`);
  const { annotate } = await import('./annotate.ts');
  const given = values.backend !== undefined || values['from-here'] !== undefined;
  return annotate({ ...context, project }, terminal, { json, batch, all: values.all === true, given });
}
