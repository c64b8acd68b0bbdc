/**
 * Simulation of how fast labeling teaches: a perfect corrector accepts the images of a project one by one, and after so many of them masks of
 * images that nobody labeled are compared with the truth:
 *   npm run bench:learning -- [--data DIR] [--out DIR] [--model M] [--projects A,B] [--ways A,B] [--base A] [--steps 1,5] [--seed N] [--threads N] [--report] [--json]
 * --base: the way that the others are held against, one of --ways. What is in --out is not measured again; features of the frozen networks
 * are kept there, too. --report only prints. A page with curves is written to --out. Photos stay where they are and are not part of the
 * repository.
 */
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { clicksNeeded } from './clicks.ts';
import { openFrozen } from './frozen.ts';
import { gatedWeights } from './gated.ts';
import { page } from './page.ts';
import { openProject, PROJECTS, type Project } from './projects.ts';
import { errorsOf, measured, type Cell, type Row } from './rows.ts';
import { summaryText } from './summary.ts';
import { trainedWeights } from './trained.ts';
import { prepareWay, WAYS, type Way } from './ways.ts';

const { values } = parseArgs({
  options: {
    data: { type: 'string', default: '../shared/data' },
    out: { type: 'string', default: 'out/learning' },
    model: { type: 'string', default: 'small' },
    projects: { type: 'string', default: PROJECTS.map(({ name }) => name).join(',') },
    ways: { type: 'string', default: WAYS.join(',') },
    steps: { type: 'string', default: '1,2,3,5,8,12,20,30' },
    base: { type: 'string', default: 'five latest' },
    seed: { type: 'string', default: '1' },
    threads: { type: 'string', default: '1' },
    report: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
});
const { data, out, model } = values;
const [seed, threads, cache] = [Number(values.seed), Number(values.threads), join(out, 'features')];
const steps = values.steps.split(',').map(Number);
const ways = WAYS.filter((way) => values.ways.split(',').includes(way));
const base = ways.find((way) => way === values.base) ?? ways[0];
if (base === undefined) throw new Error(`expected --ways of ${WAYS.join(', ')}, got ${values.ways}.`);
const plans = PROJECTS.filter(({ name }) => values.projects.split(',').includes(name));
mkdirSync(out, { recursive: true });
const fileOf = (project: string, way: Way, accepted: number): string =>
  join(out, `${project}-${way}-${accepted}-${seed}.json`.replaceAll(' ', '-'));

/** Ways that are not those of today's `auto`. */
const OTHER_METHODS: readonly Way[] = ['persam-f', 'version 0.1.0'];

/** One fixed reference stays what it is, and up to five masks the latest five are all there are. */
function sameAs(way: Way, accepted: number): { way: Way; accepted: number } {
  if (way === 'nothing') return { way, accepted: 0 };
  if (way === 'one reference' || accepted === 1) return { way: OTHER_METHODS.includes(way) ? way : 'one reference', accepted: 1 };
  if (way === 'at once' && accepted <= 5) return { way: 'five latest', accepted };
  return { way, accepted };
}

/** Ways with a prompt encoder of their own, and who makes it. */
const LEARNERS = { trained: trainedWeights, 'trained and fitted': trainedWeights, learned: gatedWeights };

/** The same networks with a prompt encoder that learned from the first masks of a project. */
async function openWith(way: keyof typeof LEARNERS, { name: label, labeled }: Project, accepted: number) {
  const { weights, facts } = await LEARNERS[way]({
    model,
    label,
    accepted: labeled.slice(0, accepted),
    work: join(out, 'training'),
    threads,
  });
  return { frozen: await openFrozen({ model, cache, threads, weights }), facts };
}

async function measure(): Promise<void> {
  const frozen = await openFrozen({ model, cache, threads });
  // All projects at one step before the next, so that a run that is ended early has something to say about each.
  for (const step of steps) {
    for (const plan of plans) {
      let project: Project | undefined;
      for (const named of ways) {
        const { way, accepted } = sameAs(named, step);
        const file = fileOf(plan.name, way, accepted);
        if (existsSync(file)) continue;
        project ??= openProject(data, plan, seed);
        if (project.labeled.length < step) continue;
        const started = performance.now();
        const own = way in LEARNERS ? await openWith(way as keyof typeof LEARNERS, project, accepted) : undefined;
        const asked = own?.frozen ?? frozen;
        const { answer, facts } = await prepareWay(asked, way, project.labeled.slice(0, accepted));
        const rows: Row[] = [];
        for (const image of project.heldOut) {
          const start = await answer(image);
          rows.push({ ...errorsOf(start.mask, image), clicks: await clicksNeeded(asked, image, start) });
        }
        await own?.frozen.close();
        const cell: Cell = {
          project: plan.name,
          use: plan.use,
          way,
          accepted,
          seed,
          facts: { ...facts, ...(own && { learner: own.facts }) },
          rows,
        };
        writeFileSync(`${file}.part`, JSON.stringify(cell));
        renameSync(`${file}.part`, file);
        console.error(`${plan.name}, ${accepted} accepted, ${way}: ${((performance.now() - started) / 1000).toFixed(0)} s`);
      }
    }
  }
  await frozen.close();
}

if (!values.report) await measure();
const cells: Cell[] = plans.flatMap((plan) =>
  steps.flatMap((step) =>
    ways.flatMap((way) => {
      const same = sameAs(way, step);
      const file = fileOf(plan.name, same.way, same.accepted);
      return existsSync(file) ? [{ ...(JSON.parse(readFileSync(file, 'utf8')) as Cell), way, accepted: step }] : [];
    }),
  ),
);
const found = measured(cells, ways, steps, base);
writeFileSync(join(out, 'page.html'), page(found));
console.log(values.json ? JSON.stringify(found) : summaryText(found));
