/** A real Label Studio next to ProSAM, on this machine alone: node examples/label-studio/run.ts [--photos DIR] [--folder DIR] [--port N] */
import { parseArgs } from 'node:util';
import { startExample } from './example.ts';

const { values } = parseArgs({ options: { photos: { type: 'string' }, folder: { type: 'string' }, port: { type: 'string' } } });
const example = await startExample({
  folder: values.folder ?? 'prosam-label-studio',
  ...(values.photos !== undefined && { photos: values.photos }),
  ...(values.port !== undefined && { port: Number(values.port) }),
  say: (line) => console.log(line),
});
console.log(`Something was found in ${example.predicted} images. Log in as ${example.user} with ${example.password} (Ctrl-C ends it all):`);
console.log(example.url);
for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => void example.close().then(() => process.exit(0)));
