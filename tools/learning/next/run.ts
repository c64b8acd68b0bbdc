/**
 * Simulation of orders in which images are labeled: a project of one label, whose person labels what a list puts first, a few images at a
 * time, and after each the masks that `nearest` draws in images that nobody labels are compared with the truth:
 *   npm run bench:next-images -- [--data DIR] [--out DIR] [--model M] [--projects A,B] [--orders A,B] [--pools mixed,showing] [--references N] [--batch N] [--steps N] [--seeds N] [--threads N] [--report] [--json]
 * Every image is compared with every possible reference once; what is in --out is not measured again. --report only prints. Photos stay
 * where they are and are not part of the repository.
 */
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { openFrozen } from '../frozen.ts';
import { PROJECTS, type ProjectPlan } from '../projects.ts';
import { ABOUT, ORDERS, type Order } from './orders.ts';
import { compared, openPool } from './pairs.ts';
import { simulatedProject, type SimulatedProject } from './project.ts';
import { groupsOf, textOf, type Run } from './report.ts';
import { simulate } from './simulate.ts';

/** Numbers of labeled images that are printed, and those after which random order is to be matched. */
const SHOWN = [1, 2, 3, 5, 9, 13, 17];
const MATCHED = [3, 5, 9, 12];

const { values } = parseArgs({
  options: {
    data: { type: 'string', default: '../shared/data' },
    out: { type: 'string', default: 'out/next-images' },
    model: { type: 'string', default: 'small' },
    projects: { type: 'string', default: PROJECTS.map(({ name }) => name).join(',') },
    orders: { type: 'string', default: ORDERS.join(',') },
    pools: { type: 'string', default: 'mixed,showing' },
    references: { type: 'string', default: '5' },
    batch: { type: 'string', default: '4' },
    steps: { type: 'string', default: '16' },
    seeds: { type: 'string', default: '8' },
    threads: { type: 'string', default: '1' },
    report: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
});
const { data, out, model } = values;
const [references, batch, steps] = [Number(values.references), Number(values.batch), Number(values.steps)];
const seeds = Array.from({ length: Number(values.seeds) }, (_, i) => i + 1);
const [shown, matched] = [SHOWN.filter((n) => n <= steps + 1), MATCHED.filter((n) => n <= steps + 1)];
const orders = ORDERS.filter((order) => values.orders.split(',').includes(order));
const pools = values.pools.split(',');
const plans = values.projects.split(',').map((name) => {
  const found = PROJECTS.find((plan) => plan.name === name);
  if (found === undefined) throw new Error(`--projects: expected some of ${PROJECTS.map((plan) => plan.name).join(', ')}, got ${name}.`);
  return found;
});
const fileOf = (project: string, pool: string, order: Order, seed: number): string =>
  join(out, 'curves', `${[project, pool, references, batch, steps, order, seed].join('-')}.json`.replaceAll(' ', '-'));

async function measure(): Promise<void> {
  mkdirSync(join(out, 'curves'), { recursive: true });
  const frozen = await openFrozen({ model, cache: join(out, 'features'), threads: Number(values.threads) });
  const openProject = async (plan: ProjectPlan): Promise<SimulatedProject> => {
    const pool = openPool(data, plan);
    return simulatedProject(frozen, pool, await compared(frozen, pool, join(out, 'pairs', `${plan.name}.f32`.replaceAll(' ', '-'))));
  };
  for (const plan of plans) {
    const started = performance.now();
    let project: SimulatedProject | undefined;
    for (const pool of pools) {
      for (const seed of seeds) {
        for (const order of orders) {
          const file = fileOf(plan.name, pool, order, seed);
          if (existsSync(file)) continue;
          project ??= await openProject(plan);
          const curve = await simulate(project, order, { mixed: pool === 'mixed', references, batch, steps }, seed);
          writeFileSync(`${file}.part`, JSON.stringify(curve));
          renameSync(`${file}.part`, file);
        }
      }
    }
    console.error(`${plan.name}: ${((performance.now() - started) / 1000).toFixed(0)} s`);
  }
  await frozen.close();
}

if (!values.report) await measure();
for (const pool of pools) {
  // Labels that have every run, so that all orders are means of the same images.
  const runs = plans.flatMap(({ name, use }): Run[] => {
    const own = seeds.flatMap((seed) => orders.map((order) => ({ order, seed, file: fileOf(name, pool, order, seed) })));
    if (!own.every(({ file }) => existsSync(file))) return [];
    return own.map(({ order, seed, file }) => ({
      ...{ project: name, use, order, seed },
      curve: JSON.parse(readFileSync(file, 'utf8')) as number[],
    }));
  });
  const groups = groupsOf(runs, orders, matched);
  console.log(values.json ? JSON.stringify({ pool, groups }) : `## ${pool}\n\n${textOf(groups, shown)}\n`);
}
if (!values.json) console.log(orders.map((order) => `${order}: ${ABOUT[order]}`).join('\n'));
