/** Published entries of the package and the source file of each: package.json says the names, tsup.config.ts the sources. */
import { readFileSync } from 'node:fs';
import tsup from '../tsup.config.ts';

/** Such as `{ 'prosam/scenes': 'src/scenes/index.ts' }`, for every entry of package.json that has types. */
export function packageEntries(): Record<string, string> {
  const { exports } = JSON.parse(readFileSync('package.json', 'utf8')) as { exports: Record<string, unknown> };
  const sources = Object.assign({}, ...(tsup as { entry: Record<string, string> }[]).map(({ entry }) => entry)) as Record<string, string>;
  return Object.fromEntries(
    Object.keys(exports)
      .filter((subpath) => subpath !== './package.json')
      .map((subpath) => {
        const name = subpath === '.' ? 'index' : subpath.slice(2);
        const source = sources[name.replace('/', '-')];
        if (source === undefined)
          throw new Error(`tsup.config.ts: expected an entry named ${name.replace('/', '-')} for the export ${subpath}`);
        return [subpath === '.' ? 'prosam' : `prosam/${name}`, source];
      }),
  );
}
