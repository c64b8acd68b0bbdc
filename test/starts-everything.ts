/** A program that starts what tests start, says so, and does nothing more: for seeing what becomes of it all once it is killed. */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createEngine } from '../src/index.ts';
import { hasChromium, startChromium } from './unit/adapters/console/chromium.ts';
import { postgresPrograms, startPostgres } from './unit/storage/start-postgres.ts';
import { s3Program, startS3 } from './unit/storage/start-s3.ts';
import { runCli } from './unit/cli/run-cli.ts';
import { folderDyingWithUs } from './support/dies-with-us.ts';
import { startServe } from './e2e/serve-process.ts';
import { runProgram } from '../tools/gpu/run-step.ts';
import { startHostileTarget } from './e2e/hostile/start.ts';
import { startHolder } from './e2e/stall/holder.ts';
import { runBlocks } from './walkthrough.ts';

const { path } = folderDyingWithUs('prosam-everything-');
const placeFor = (name: string): string => mkdtempSync(join(path, name));
writeFileSync(join(path, 'prosam.config.json'), JSON.stringify({ database: join(path, 'prosam.db'), objects: join(path, 'blobs') }));

const started: Promise<unknown>[] = [
  startServe({ folder: path }),
  startHostileTarget(),
  startHolder({ kind: 'sqlite', file: join(placeFor('holder'), 'a.db'), how: 'immediate' }).then((holder) => holder.stop()),
  createEngine().then((engine) => engine.prepare({ data: new Uint8Array(3 * 64 * 64), width: 64, height: 64, channels: 3 })),
  ...(hasChromium ? [startChromium()] : []),
  ...(postgresPrograms() === undefined ? [] : [startPostgres()]),
  ...(s3Program() === undefined ? [] : [startS3()]),
];
// These end by themselves only, and would take their time.
void runBlocks(['sleep 7200 &', 'sleep 7200'], path);
void runProgram({ program: process.execPath, args: ['-e', "require('child_process').execSync('sleep 7200')"] }, 7_200_000);
void runCli(['serve', '--port', '0', '--learner', 'off'], placeFor('cli'));
await Promise.all(started);
process.stdout.write(`${path}\n`);
setInterval(() => undefined, 1_000_000);
