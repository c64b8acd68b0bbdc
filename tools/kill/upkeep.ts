/** SIGKILL of prunes and backups while people annotate, and of one of two services on one store. */
import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { startProcess } from '../../test/e2e/serve-process.ts';
import { pictures } from './pictures.ts';
import { withClock, type Scenario } from './place.ts';
import { missing, problemsOf, serve, startWriters } from './service.ts';

const PROJECT = 'upkeep';
/** From the start of the command to its kill: before it opens the store, and in the middle of its work. */
const [EARLIEST_MS, LATEST_MS] = [300, 1800];
/** Bytes that nothing points to are put aside after a day: prunes run with a clock that is ahead. */
const AHEAD_MS = 25 * 3_600_000;
/** Longer than any request takes between the bytes of an image and its row. */
const REST_MS = 2000;

export const killPrunes: Scenario = async (place, kills, random, say) => {
  const sent = await pictures(6);
  const service = await serve(place);
  const writers = startWriters(() => service.url, PROJECT, sent, 2);
  await writers.until(10);
  const environment = { ...place.environment, ...withClock(place.folder, AHEAD_MS) };
  let whole = 0;
  for (let kill = 0; kill < kills; kill++) {
    const prune = startProcess(['prune', '--apply', '--json'], { folder: place.folder, environment });
    const code = await Promise.race([prune.ended, wait(EARLIEST_MS + random() * (LATEST_MS - EARLIEST_MS))]);
    if (code === 0) whole++;
    await prune.kill();
    await wait(REST_MS);
    say(`${place.name}, prunes: ${kill + 1} of ${kills} kills, ${writers.acknowledged.size} acknowledged`);
  }
  const last = startProcess(['prune', '--apply', '--json'], { folder: place.folder, environment });
  const code = await last.ended;
  await writers.stop();
  const found = await missing(service.url, PROJECT, writers.acknowledged);
  await service.stop();
  const problems = [...problemsOf(found), ...(code === 0 ? [] : [`the last prune ended with ${code}: ${last.output().slice(-200)}`])];
  return {
    where: place.name,
    what: 'prune',
    kills,
    counts: { acknowledged: writers.acknowledged.size, 'whole prunes': whole, ...found },
    problems,
  };
};

export const killBackups: Scenario = async (place, kills, random, say) => {
  const sent = await pictures(6);
  const service = await serve(place);
  const writers = startWriters(() => service.url, PROJECT, sent, 2);
  await writers.until(10);
  const problems: string[] = [];
  const backup = (name: string) => startProcess(['backup', name, '--json'], place);
  const folder = join(place.folder, 'backup');
  let cutOff = 0;
  for (let kill = 0; kill < kills; kill++) {
    const running = backup('backup');
    await Promise.race([running.ended, wait(EARLIEST_MS + random() * (LATEST_MS - EARLIEST_MS))]);
    await running.kill();
    if (existsSync(folder)) {
      if (!existsSync(join(folder, 'manifest.json'))) problems.push('a backup has its name and no manifest');
      await rm(folder, { recursive: true });
    } else cutOff++;
    say(`${place.name}, backups: ${kill + 1} of ${kills} kills, ${cutOff} cut off`);
  }
  const before = new Set(writers.acknowledged);
  const last = backup('backup');
  const code = await last.ended;
  await writers.stop();
  await service.stop();
  if (code !== 0) problems.push(`the last backup ended with ${code}: ${last.output().slice(-200)}`);
  // Back into a store of its own, and read from there.
  const environment = {
    PROSAM_DATABASE: join(place.folder, 'restored', 'prosam.db'),
    PROSAM_OBJECTS: join(place.folder, 'restored', 'blobs'),
  };
  const restored = await startProcess(['restore', 'backup'], { folder: place.folder, environment }).ended;
  if (restored !== 0) problems.push(`the restore ended with ${restored}`);
  const again = await serve({ ...place, environment });
  const found = await missing(again.url, PROJECT, before);
  await again.stop();
  return {
    where: place.name,
    what: 'backup',
    kills,
    counts: { acknowledged: before.size, 'cut off': cutOff, ...found },
    problems: [...problems, ...problemsOf(found)],
  };
};

export const killOneOfTwo: Scenario = async (place, kills, random, say) => {
  const sent = await pictures(6);
  const services = [await serve(place), await serve(place)];
  const writers = services.map((_, i) => startWriters(() => services[i]?.url as string, PROJECT, sent, 2));
  for (let kill = 0; kill < kills; kill++) {
    await wait(200 + random() * 800);
    const victim = random() < 0.5 ? 0 : 1;
    await services[victim]?.kill();
    services[victim] = await serve(place);
    say(`${place.name}, one of two: ${kill + 1} of ${kills} kills`);
  }
  await Promise.all(writers.map((one) => one.stop()));
  const acknowledged = new Set(writers.flatMap((one) => [...one.acknowledged]));
  // Each sees what the other was told.
  const [one, other] = [
    await missing(services[0]?.url as string, PROJECT, acknowledged),
    await missing(services[1]?.url as string, PROJECT, acknowledged),
  ];
  for (const service of services) await service.stop();
  const problems = [...problemsOf(one), ...problemsOf(other)];
  return { where: place.name, what: 'one of two services', kills, counts: { acknowledged: acknowledged.size, ...one }, problems };
};
