/**
 * Runs every case of a golden directory that is implemented so far:
 *   npm run golden -- DIR
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { casesFor } from './cases.ts';
import { compare } from './compare.ts';
import { GoldenCase, openGoldenSet, type Engines } from './golden-set.ts';

export interface GoldenTotals {
  passed: number;
  failed: number;
  skipped: number;
}

export async function runGolden(dir: string, print: (line: string) => void, engines: Engines = {}): Promise<GoldenTotals> {
  const set = openGoldenSet(dir, engines);
  const cases = casesFor(engines);
  const totals = { passed: 0, failed: 0, skipped: 0 };
  for (const entry of set.manifest.cases) {
    const runner = cases[entry.name];
    if (runner === undefined) {
      totals.skipped += Object.keys(entry.expected).length;
      print(`not yet: ${entry.name}`);
      continue;
    }
    const golden = new GoldenCase(set, entry);
    const actual = await Promise.resolve(golden)
      .then(runner)
      .catch((error: unknown) => error as Error);
    for (const [output, rule] of Object.entries(entry.expected)) {
      if (actual instanceof Error) {
        totals.failed++;
        print(`FAIL ${entry.name} ${output} ${actual.message}`);
        continue;
      }
      const values = actual[output];
      if (values === undefined) {
        totals.skipped++;
        print(`not yet: ${entry.name} ${output}`);
        continue;
      }
      const { ok, maxDiff, bound } = compare(values, golden.expected(output), rule);
      totals[ok ? 'passed' : 'failed']++;
      print(`${ok ? 'ok  ' : 'FAIL'} ${entry.name} ${output} ${maxDiff.toExponential(2)} ${bound}`);
    }
  }
  return totals;
}

if (import.meta.main) {
  const dir = process.argv[2];
  if (dir === undefined || !existsSync(join(dir, 'manifest.json'))) {
    console.error(`usage: npm run golden -- DIR    (wanted a folder with manifest.json, got ${dir ?? 'nothing'})`);
    process.exitCode = 2;
  } else {
    const { passed, failed, skipped } = await runGolden(dir, (line) => {
      console.log(line);
    });
    console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`);
    if (failed > 0) process.exitCode = 1;
  }
}
