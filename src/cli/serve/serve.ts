/** `prosam serve`: the service, until a signal ends it. */
import { loadConfig, printableConfig } from '../../server/config.ts';
import type { ProsamConfig } from '../../server/config-schema.ts';
import { createServer } from '../../server/create-server.ts';
import { EXIT, type Terminal } from '../common/command.ts';
import { parseCommand, pick } from '../common/parse.ts';
import { SERVE } from './spec.ts';

/** Resolves to the exit code. */
export async function serveCommand(args: readonly string[], { print, signal }: Terminal): Promise<number> {
  const { values } = parseCommand(SERVE, args);
  const { external, imageFolder, allowHost, learner, logLevel, config } = values;
  const images = {
    ...(imageFolder !== undefined && { folder: imageFolder }),
    ...(allowHost !== undefined && { allowHosts: allowHost }),
  };
  const options: ProsamConfig = {
    ...pick(values, 'port', 'host', 'database', 'objects', 'model', 'device', 'precision'),
    ...(external !== undefined && { external: { place: external } }),
    ...(learner !== undefined && { learner: { run: learner } }),
    ...(logLevel !== undefined && { log: { level: logLevel } }),
    ...(Object.keys(images).length > 0 && { images }),
  };
  if (values.printConfig) {
    print(printableConfig(await loadConfig({ options, ...(config !== undefined && { file: config }) })));
    return EXIT.ok;
  }
  // Before anything is opened, so that a signal in between is not lost.
  const ended = endOf(signal);
  const prosam = await createServer({ ...options, ...(config !== undefined && { configFile: config }) });
  try {
    const url = await prosam.listen();
    if (values.json) print(JSON.stringify({ url }));
    else print(`prosam listens on ${url} (model ${prosam.settings.model}; the page there shows what happens; Ctrl-C ends it)`);
    await ended;
  } finally {
    await prosam.close();
  }
  return EXIT.ok;
}

/** Resolves on Ctrl-C or a supervisor's SIGTERM; the second one ends the process at once. */
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
