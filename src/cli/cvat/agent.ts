/** `prosam cvat agent`: AI tools of CVAT Enterprise and Online, answered by a running service. Experimental. */
import { DEFAULT_TOLERANCE } from '../../core/mask/polygon-groups.ts';
import { randomBytes } from 'node:crypto';
import { createAnswerLog } from '../../adapters/cvat/annotate/answer-log.ts';
import { createAgentResponses } from '../../adapters/cvat/agent/responses.ts';
import { createAgentApi, describeAgentFunction, type AgentKind } from '../../adapters/cvat/agent/api.ts';
import { runAgent } from '../../adapters/cvat/agent/loop.ts';
import { declaredForms } from '../../adapters/cvat/annotate/new-shapes.ts';
import { cvatPlaceOf } from '../../adapters/cvat/names.ts';
import { createTrackMemory } from '../../adapters/cvat/nuclio/track-memory.ts';
import { createClient } from '../../client/client.ts';
import { isProsamError, messageOf } from '../../core/common/errors.ts';
import { DEFAULT_LIMITS } from '../../core/image/node/decode.ts';
import { loadConfig } from '../../server/config.ts';
import { cvatConnection } from './connection.ts';
import { remoteService } from './remote-service.ts';
import { EXIT, UsageError, type Terminal } from '../common/command.ts';
import { parseCommand } from '../common/parse.ts';
import { CVAT_AGENT } from './spec.ts';

/** Settings of the command line, and what the configuration says where that names nothing. @throws CONFIG_INVALID */
export async function agentSettings(
  { config, threshold }: { config?: string | undefined; threshold?: number | undefined },
  environment: NodeJS.ProcessEnv = process.env,
): Promise<{ threshold: number | undefined; installation: string; instances: boolean; leastPart: number; uploads: string }> {
  const { cvat } = await loadConfig({ environment, ...(config !== undefined && { file: config }) });
  const { name, instances, leastPart, uploads } = cvat;
  return { threshold: threshold ?? cvat.threshold, installation: name, instances, leastPart, uploads };
}

/** Runs until Ctrl-C; resolves to the exit code. */
export async function cvatAgent(args: readonly string[], { warn, signal = new AbortController().signal }: Terminal): Promise<number> {
  const { values } = parseCommand(CVAT_AGENT, args);
  const { url, project, name, kinds } = values;
  const { threshold, installation, instances, leastPart, uploads } = await agentSettings(values);
  const client = cvatConnection(values);
  const token = process.env.PROSAM_TOKEN;
  const asked = createClient({ url, timeoutMs: 300_000, ...(token !== undefined && { token }) });
  const service = remoteService(asked);
  const place = cvatPlaceOf(installation, project);
  // Labels of boxes or ellipses alone have to be declared as such: CVAT asks for no others.
  const forms = place && declaredForms(await client.labels(place, { signal }));
  const all = (await asked.projects.get(project, { signal })).concepts.map(({ label }) => label);
  const labels = all.filter((label) => forms?.has(label) !== true || forms.get(label) !== undefined);
  for (const label of all) if (!labels.includes(label)) warn(`Left out: ${label}: CVAT takes neither masks nor boxes for it.`);
  if (kinds.includes('detector') && labels.length === 0)
    throw new UsageError(
      `the project ${project} has no references yet: a detector would have no labels. Mark some, or use --kinds interactor,tracker.`,
    );

  const api = createAgentApi(client.transport, randomBytes(16).toString('hex'));
  const functions: { id: number | string; kind: AgentKind }[] = [];
  try {
    for (const kind of kinds) {
      const id = await api.create(describeAgentFunction(kind, { name, isPublic: values.public, labels, forms }), signal);
      functions.push({ id, kind });
      warn(`${name} ${kind}: function ${id} at ${client.url}`);
    }
    warn('Experimental: tried against recordings of the protocol, not against a CVAT Enterprise or Online. Ctrl-C ends it.');
    const tracker = { service, memory: createTrackMemory(), project, tolerance: DEFAULT_TOLERANCE, limits: DEFAULT_LIMITS };
    const answers = createAnswerLog(uploads);
    const response = createAgentResponses({
      ...{ client, service, project, tracker, threshold, instances, leastPart },
      answers: {
        // An answer that nobody can take back is still better than none.
        add: (...answer) =>
          answers.add(...answer).catch((error: unknown) => warn(`An answer cannot be taken back, for it is not recorded: ${text(error)}`)),
      },
      onLeftOut: ({ task, frame, label, leftOut }) =>
        warn(`task ${task}, frame ${frame}: ${leftOut} parts of ${label} are left out, too small for a shape of their own.`),
    });
    await runAgent({
      ...{ api, functions, signal, response },
      onDone: ({ kind, type, milliseconds, error }) =>
        warn(`${kind} ${type}: ${Math.round(milliseconds)} ms${error === undefined ? '' : `, failed: ${text(error)}`}`),
      onProblem: (error) => warn(text(error)),
    });
    return EXIT.ok;
  } finally {
    // Without an agent the functions would stay listed; no signal here, because its abort may be why this ends.
    for (const { id } of functions)
      await api.remove(id).catch((error: unknown) => warn(`function ${id} is still listed in CVAT: ${text(error)}`));
  }
}

function text(error: unknown): string {
  return `${isProsamError(error) ? `${error.code}: ` : ''}${messageOf(error)}`;
}
