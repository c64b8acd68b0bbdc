/**
 * Many targets in one process, for predict.ts:
 *   many-targets.ts draw DIR N        draws N images
 *   many-targets.ts predict DIR T     predicts them all with T threads, prints its memory and times as JSON
 */
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { sceneWith } from '../../src/scenes/scene-with.ts';
import { createEngine } from '../../src/index.ts';
import { sceneJpeg } from './scene-jpeg.ts';

const [task, folder = '.', count] = process.argv.slice(2);
if (task === 'draw') {
  for (let i = 0; i < Number(count); i++) writeFileSync(join(folder, `${i}.jpg`), await sceneJpeg(5000 + i));
} else {
  const files = readdirSync(folder).map((name) => join(folder, name));
  let seed = 50;
  const { image, truth } = sceneWith(3, () => seed++);
  const references = [{ image, mask: truth }];
  const engine = await createEngine({ model: 'tiny', threads: Number(count) });
  /** Memory of the worker and of this process, which reads its responses. */
  const memory = (): number => (engine.worker?.residentBytes ?? 0) + process.memoryUsage.rss();
  const delay = monitorEventLoopDelay({ resolution: 1 });
  let [peak, early] = [0, 0];
  const started = performance.now();
  delay.enable();
  for (const [i, file] of files.entries()) {
    await engine.predict(file, references, { method: 'prosam' });
    const rss = memory();
    peak = Math.max(peak, rss);
    if (i === Math.floor(files.length / 5)) early = rss;
  }
  delay.disable();
  const each = (performance.now() - started) / files.length;
  console.log(JSON.stringify({ peak, early, late: memory(), each, block: delay.max / 1e6 }));
  await engine.close();
}
