/** `npm run build`: after tsup, the CommonJS build of every entry that package.json offers to `require`. */
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { writeCommonJs } from './common-js.ts';

const { exports } = JSON.parse(readFileSync('package.json', 'utf8')) as { exports: Record<string, { require?: { default: string } }> };
const required = Object.values(exports).flatMap(({ require: build }) => (build ? [basename(build.default, '.cjs')] : []));
await writeCommonJs('dist', required);
