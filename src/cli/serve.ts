/** `prosam serve`: the service, until somebody ends it. */
import { parseArgs } from 'node:util';
import { loadConfig, printableConfig } from '../server/config.ts';
import { LEARNER_RUNS, type ProsamConfig } from '../server/config-schema.ts';
import { learnerRunToday } from '../server/old-keys.ts';
import { createServer } from '../server/create-server.ts';
import { ENVIRONMENT_HELP } from '../server/environment.ts';
import { DEVICES } from '../core/runtime/devices/devices.ts';
import { PRECISIONS } from '../core/onnx/precision.ts';
import { LOG_LEVELS } from '../adapters/http/create-log.ts';
import type { Terminal } from './terminal.ts';
import { choice, EXIT, wholeNumber, words } from './usage.ts';

export const SERVE_HELP = `prosam serve: masks over HTTP for any labeling tool

  prosam serve [options]

Answers predictions, keeps what people accept, learns from it in the background, and puts better versions into service by
itself. Everything lies in the folder ./prosam unless told otherwise. Ctrl-C or SIGTERM lets requests finish, then ends.

  --port N              (default: 9090)
  --host ADDRESS        (default: 127.0.0.1; anything others can reach needs credentials, such as PROSAM_TOKEN)
  --database URL        SQLite file or postgres://user:password@host/database (default: prosam/prosam.db)
  --objects URL         folder or s3://bucket/prefix?endpoint=...&region=... (default: prosam/blobs)
  --model NAME|PATH     built-in model or model folder (default: tiny)
  --device D            auto, ${DEVICES.join(', ')} (default: auto)
  --precision P         ${PRECISIONS.join(', ')} (default: fp32): int8 is for CPUs, fp16 for GPUs
  --image-folder DIR    images that requests name by path lie below it
  --allow-host H[,H]    private hosts images may come from
  --learner WHERE       managed: a child process of this one; external: prosam learn runs somewhere; off (default: managed)
  --config FILE         (default: prosam.config.ts, .js or .json in this folder)
  --log-level LEVEL     ${LOG_LEVELS.join(', ')} (default: info)
  --print-config        show the settings that apply, without secrets, and end
  --json                one JSON line {"url": ...} once it listens

Environment (options win, then these, then the file):
${ENVIRONMENT_HELP}

Exit code: 0 ended, 2 could not start.

Examples:
  prosam serve
  PROSAM_TOKEN=... prosam serve --host 0.0.0.0
  prosam serve --database postgres://prosam@db/prosam --objects s3://masks/prosam --learner external
`;

/** -> exit code */
export async function serveCommand(args: readonly string[], { print, signal }: Terminal): Promise<number> {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean' } as const;
  const { values } = parseArgs({
    args: [...args],
    options: {
      ...{
        port: text,
        host: text,
        database: text,
        objects: text,
        model: text,
        device: text,
        precision: text,
        'image-folder': text,
        'allow-host': text,
      },
      ...{ learner: text, config: text, 'log-level': text, 'print-config': flag, json: flag },
    },
  });
  const images = {
    ...(values['image-folder'] !== undefined && { folder: values['image-folder'] }),
    ...(values['allow-host'] !== undefined && { allowHosts: words('allow-host', values['allow-host']) }),
  };
  const options: ProsamConfig = {
    ...(values.port !== undefined && { port: wholeNumber('port', values.port) }),
    ...(values.host !== undefined && { host: values.host }),
    ...(values.database !== undefined && { database: values.database }),
    ...(values.objects !== undefined && { objects: values.objects }),
    ...(values.model !== undefined && { model: values.model }),
    ...(values.device !== undefined && { device: choice('device', values.device, ['auto', ...DEVICES] as const) }),
    ...(values.precision !== undefined && { precision: choice('precision', values.precision, PRECISIONS) }),
    ...(values.learner !== undefined && { learner: { run: choice('learner', learnerRunToday(values.learner), LEARNER_RUNS) } }),
    ...(values['log-level'] !== undefined && { log: { level: choice('log-level', values['log-level'], LOG_LEVELS) } }),
    ...(Object.keys(images).length > 0 && { images }),
  };
  const file = values.config === undefined ? {} : { file: values.config };
  if (values['print-config'] === true) {
    print(printableConfig(await loadConfig({ options, ...file })));
    return EXIT.ok;
  }
  // Before anything is opened: a signal that comes meanwhile must not be lost.
  const ended = endOf(signal);
  const prosam = await createServer({ ...options, ...(values.config !== undefined && { configFile: values.config }) });
  try {
    const url = await prosam.listen();
    if (values.json === true) print(JSON.stringify({ url }));
    else print(`prosam listens on ${url} (model ${prosam.settings.model}; the page there shows what happens; Ctrl-C ends it)`);
    await ended;
  } finally {
    await prosam.close();
  }
  return EXIT.ok;
}

/** Ctrl-C or a supervisor's SIGTERM; the second one ends the process at once. */
function endOf(interrupt: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      process.once('SIGTERM', () => process.exit(EXIT.interrupted));
      process.once('SIGINT', () => process.exit(EXIT.interrupted));
      resolve();
    };
    if (interrupt?.aborted) end();
    else interrupt?.addEventListener('abort', end, { once: true });
    process.once('SIGTERM', end);
  });
}
