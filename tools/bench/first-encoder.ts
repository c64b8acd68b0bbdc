/**
 * Learning curve of the first prompt encoder against training-free methods, on a model that has none:
 *   npm run bench:first-encoder -- [--runs N] [--masks N] [--concepts A,B] [--steps N]
 * The built-in SAM alone, generated scenes; before each run as many more are annotated. One run of 200 steps takes three minutes on two cores.
 */
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { LEARNER_DEFAULTS } from '../../src/learner/settings.ts';
import { loadTrainingEngine } from '../../src/training/tfjs/engine.ts';
import { learnOnce } from '../../src/learner/learn-once.ts';
import { modelWithoutEncoder } from '../../test/unit/learner/model-without-encoder.ts';
import { PROJECT, smallProject } from '../../test/unit/learner/small-project.ts';

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '6' },
    masks: { type: 'string', default: '16' },
    concepts: { type: 'string', default: '5,17,30' },
    steps: { type: 'string', default: String(LEARNER_DEFAULTS.steps) },
  },
});
const concepts = values.concepts.split(',').map(Number);
const engine = await loadTrainingEngine('auto');
const world = await smallProject();
try {
  const { batch, samples, margin, labelMargin, checkpointEvery } = LEARNER_DEFAULTS;
  const model = modelWithoutEncoder(join(world.folder, 'untrained'));
  const settings = world.settings({ model, steps: Number(values.steps), batch, samples, margin, labelMargin, checkpointEvery });
  for (let run = 1; run <= Number(values.runs); run++) {
    await world.annotate(Number(values.masks), { concepts });
    const started = performance.now();
    const [outcome] = await learnOnce(world.storage, settings, { engine, codeVersion: 'bench', manual: true, projects: [PROJECT] });
    const seconds = ((performance.now() - started) / 1000).toFixed(0);
    const said = outcome && 'reason' in outcome ? `${outcome.state}: ${outcome.reason}` : JSON.stringify(outcome);
    console.log(`run ${run}, ${run * Number(values.masks)} masks, ${seconds} s: ${said}`);
    if (outcome?.state === 'promoted') break;
  }
} finally {
  await world.close();
}
