/** The whole service with the light table next to the adapters that come with it: node examples/custom-adapter/server.ts */
import { createServer } from 'prosam/server';
import { lightTable } from './light-table.ts';

const prosam = await createServer();
prosam.app.mount('/light-table', lightTable(prosam));
console.log(`the light table may ask ${await prosam.listen()}/light-table`);
for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => void prosam.close());
