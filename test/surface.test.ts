/** The built package, used from outside as ESM and as CJS. `npm test` builds it first. */
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import sharp from 'sharp';
import ts from 'typescript';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { generateScene } from '../src/scenes/index.ts';
import { linkedFiles } from '../tools/link-check.ts';
import { fencedBlocks, markdownFiles } from '../tools/markdown.ts';
import { dyingWithUs } from './support/dies-with-us.ts';

const run = promisify(execFile);
const folder = mkdtempSync(join(tmpdir(), 'prosam-surface-'));

beforeAll(() => {
  if (!existsSync('dist/index.js')) throw new Error('dist/ is missing: run npm run build first (npm test does)');
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** Runs a program with this package's own name resolving to the build. */
async function node(kind: 'module' | 'commonjs', program: string): Promise<string> {
  const { stdout } = await run(...dyingWithUs(process.execPath, [`--input-type=${kind}`, '-e', program]));
  return stdout.trim();
}

/** Where the package's own name leads, for programs that run in another folder. */
function entryOf(kind: 'module' | 'commonjs'): string {
  const { exports } = JSON.parse(readFileSync('package.json', 'utf8')) as { exports: Record<string, Record<string, { default: string }>> };
  return join(process.cwd(), exports['./training']?.[kind === 'module' ? 'import' : 'require']?.default ?? '');
}

const PREDICT = `
  const scene = generateScene(7, { force: [3] });
  const image = { data: scene.image, width: 256, height: 256, channels: 3 };
  const mask = { data: conceptMask(scene, 3), width: 256, height: 256 };
  const engine = await createEngine({ model: 'tiny' });
  const { masks } = await engine.predict(image, [{ image, mask }]);
  const code = await engine.predict(image, []).catch((error) => isProsamError(error) && error.code);
  await engine.close();
  console.log(masks[0].mask.data.length, masks[0].area > 0, code);
`;

describe('the built package', () => {
  it('predicts as an ES module', async () => {
    const program = `import { createEngine, isProsamError } from 'prosam'; import { conceptMask, generateScene } from 'prosam/scenes'; ${PREDICT}`;
    expect(await node('module', program)).toBe('65536 true REFERENCE_MISSING');
  });

  it('predicts as CommonJS', async () => {
    const program = `const { createEngine, isProsamError } = require('prosam'); const { conceptMask, generateScene } = require('prosam/scenes'); (async () => { ${PREDICT} })();`;
    expect(await node('commonjs', program)).toBe('65536 true REFERENCE_MISSING');
  });

  it.each([
    ['module', `const training = await import('prosam/training');`],
    ['commonjs', `const training = require('prosam/training');`],
  ] as const)('opens data and trains from prosam/training as %s, and loads no TensorFlow before it is asked to', async (kind, load) => {
    const program = `
      (async () => {
        const asked = [];
        const { registerHooks } = process.getBuiltinModule('node:module');
        registerHooks({ resolve: (name, context, next) => (name.startsWith('@tensorflow/') && asked.push(name), next(name, context)) });
        ${load}
        const before = asked.length;
        await training.writeScenesDataset('scenes', { images: 192, size: 32 });
        const dataset = await training.openDataset('scenes');
        const engine = await training.loadTrainingEngine('wasm');
        const types = [];
        for await (const { type } of training.train({ dataset, engine, model: 'tiny', out: '${kind}', samples: 1, maxSteps: 1, validationPairs: 0, device: 'cpu' })) types.push(type);
        const code = await training.train({ dataset, engine, out: '${kind}' }).next().catch((error) => error.code);
        console.log(before, asked.length > 0, types.join(), code);
      })();`;
    const { stdout } = await run(
      ...dyingWithUs(process.execPath, [`--input-type=${kind}`, '-e', program.replaceAll('prosam/training', entryOf(kind))]),
      {
        cwd: folder,
      },
    );
    expect(stdout.trim()).toBe('0 true start,step,end RUN_INVALID');
  });

  it.each(['module', 'commonjs'] as const)('serves as %s, database thread, console and all', async (kind) => {
    const load =
      kind === 'module'
        ? `const { createClient } = await import('prosam/client'); const { createServer } = await import('prosam/server');`
        : `const { createClient } = require('prosam/client'); const { createServer } = require('prosam/server');`;
    const program = `
      (async () => {
        ${load}
        const { mkdtempSync, rmSync } = process.getBuiltinModule('node:fs');
        const folder = mkdtempSync('${folder}/serve-');
        const settings = { port: 0, database: folder + '/p.db', objects: folder + '/b', cache: '', learner: { run: 'off' }, log: { level: 'silent' } };
        const server = await createServer({ ...settings, environment: {} });
        const url = await server.listen();
        const client = createClient({ url });
        const { ready } = await client.status();
        const projects = await client.projects.list();
        const page = [];
        for (const path of ['/', '/console/main.js', '/console/style.css', '/console/icon.svg']) page.push((await fetch(new URL(path, url))).status);
        await server[Symbol.asyncDispose]();
        console.log(ready, JSON.stringify(projects), page.join());
      })();`;
    expect(await node(kind, program)).toMatch(/^true .*\[\] 200,200,200,200$/);
  });

  it.each([
    ['client', /^$/, 1],
    ['client-page', /^$/, 1],
    ['web', /^$/, 1],
    // Its bundler finds these; they stand in no way of a browser.
    ['web-worker', /^(zod|pure-rand\/.*|onnxruntime-web\/(wasm|webgpu))$/, 3],
  ] as const)('has %s.js for browsers: nothing of Node within its reach', (name, packages, files) => {
    const seen = new Set<string>();
    const reach = (file: string): void => {
      if (seen.has(file)) return;
      seen.add(file);
      const text = readFileSync(join('dist', file), 'utf8');
      for (const [, from] of text.matchAll(/(?:from|import)\s*\(?['"]([^'"\n]+)['"]/g)) {
        const specifier = from as string;
        if (specifier.startsWith('./')) reach(specifier.slice(2));
        else expect(specifier, `${file} imports ${specifier}`).toMatch(packages);
      }
      expect(text, file).not.toMatch(/\bprocess\.|\bBuffer\b|\brequire\(/);
    };
    reach(`${name}.js`);
    expect(seen.size).toBeGreaterThanOrEqual(files);
  });

  it('types prosam/web without the types of a browser', () => {
    const text = readFileSync('dist/web.d.ts', 'utf8').replaceAll(/\/\*[^]*?\*\//g, '');
    expect(text).toContain('createWebEngine');
    expect(text).not.toMatch(/ImageBitmap|HTMLElement|OffscreenCanvas|from 'onnxruntime-web|reference lib/);
  });

  it.each(['client.d.ts', 'client.d.cts'])('types prosam/client without zod, whichever way one follows %s', (name) => {
    const seen = new Map<string, string>();
    const reach = (file: string): void => {
      if (seen.has(file)) return;
      const text = readFileSync(join('dist', file), 'utf8');
      seen.set(file, text);
      for (const [, from, kind] of text.matchAll(/from '\.\/([^']+)\.(c?)js'/g)) reach(`${from as string}.d.${kind as string}ts`);
    };
    reach(name);
    expect(seen.get(name)).toContain('interface PredictRequest');
    expect([...seen].filter(([, text]) => /\bzod\b|Zod(Object|Type)/.test(text)).map(([file]) => file)).toEqual([]);
  });

  it('types prosam/training without the types of TensorFlow.js', () => {
    for (const name of ['training.d.ts', 'training.d.cts']) {
      const text = readFileSync(join('dist', name), 'utf8');
      expect(text).toContain('train');
      expect(text).not.toMatch(/from '@tensorflow/);
    }
  });

  it.each([
    ['README.md', /^(\S+(shelf|table)\.jpg 0\.\d+\n?){2}$/, ''],
    ['docs/guide/typescript.md', /^1 [13] mirrored-copy$/, 'console.log(masks.length, clicked.masks.length, trust.basis);'],
  ])('does what the first example of %s shows', async (page, expected, after) => {
    const example = fencedBlocks(readFileSync(page, 'utf8')).find(({ language }) => language === 'ts')?.code ?? '';
    for (const [i, name] of ['cup', 'shelf', 'table'].entries()) {
      const { image, width, height } = generateScene(5 + i, { size: 300 });
      await sharp(image, { raw: { width, height, channels: 3 } }).toFile(join(folder, `${name}.jpg`));
    }
    const program = `${example.replaceAll(/'(\w+\.jpg)'/g, (_, name: string) => JSON.stringify(join(folder, name)))}\n${after}`;
    const { stdout } = await run(...dyingWithUs(process.execPath, ['--input-type=module-typescript', '-e', program]));
    expect(stdout.trim()).toMatch(expected);
  });

  it('knows its errors across both copies, those of the client too', async () => {
    const program = `
      import { createRequire } from 'node:module';
      import * as esm from 'prosam';
      import { ProsamClientError } from 'prosam/client';
      const require = createRequire(process.cwd() + '/x.js');
      const [cjs, client] = [require('prosam'), require('prosam/client')];
      const error = new cjs.ProsamError('MASK_EMPTY', 'x');
      const away = await client.createClient({ url: 'http://127.0.0.1:1', retries: 0 }).status().catch((reason) => reason);
      console.log(error instanceof esm.ProsamError, esm.isProsamError(error), cjs.isProsamError(new esm.ProsamError('MASK_EMPTY', 'x')));
      console.log(away instanceof ProsamClientError, esm.isProsamError(away), cjs.isProsamError(away), away.code);`;
    expect(await node('module', program)).toBe('false true true\nfalse true true NETWORK_FAILED');
  });

  it('keeps server, client and learner out of the root entry', async () => {
    const program = `import * as root from 'prosam'; console.log(Object.keys(root).sort().join());`;
    const names = (await node('module', program)).split(',');
    expect(names).toEqual(expect.arrayContaining(['createEngine', 'isProsamError', 'ProsamError']));
    expect(names.filter((name) => /server|client|route|learn|callback/i.test(name))).toEqual([]);
    const reached = new Set<string>();
    const reach = (file: string): void => {
      if (reached.has(file)) return;
      reached.add(file);
      for (const [, from] of readFileSync(join('dist', file), 'utf8').matchAll(/^(?:import|export)\b[^'"]*['"]([^'"\n]+)['"]/gm)) {
        expect(from, file).not.toMatch(/^(express|kysely|undici|pino|prom-client|busboy|croner)$/);
        if (from?.startsWith('./') === true) reach(from.slice(2));
      }
    };
    reach('index.js');
    expect(reached.size).toBeGreaterThan(1);
  });

  it.each(['prosam/server', 'prosam/learner'])('has the same names in both forms of %s', async (entry) => {
    const names = 'console.log(Object.keys(entry).sort().join())';
    const esm = await node('module', `import * as entry from '${entry}'; ${names}`);
    expect(esm.length).toBeGreaterThan(10);
    expect(await node('commonjs', `const entry = require('${entry}'); ${names}`)).toBe(esm);
  });

  it.each(['server.d.ts', 'server.d.cts'])('has a comment on every field of the configuration in %s', (name) => {
    const text = readFileSync(join('dist', name), 'utf8');
    const seen: string[] = [];
    ts.createSourceFile(name, text, ts.ScriptTarget.Latest, true).forEachChild((node) => {
      if (!ts.isInterfaceDeclaration(node) || !node.name.text.endsWith('Config')) return;
      for (const field of node.members) {
        seen.push(`${node.name.text}.${field.name?.getText() ?? ''}`);
        expect(ts.getJSDocCommentsAndTags(field), seen.at(-1)).not.toEqual([]);
      }
    });
    expect(seen.length).toBeGreaterThan(70);
    expect(text).not.toMatch(/ZodObject/);
  });

  it('lets a program end that forgot to close its engine', async () => {
    expect(await node('module', `import { createEngine } from 'prosam'; await createEngine({ model: 'tiny' }); console.log('done');`)).toBe(
      'done',
    );
  });

  it('carries exactly what users need', async () => {
    const { stdout } = await run(...dyingWithUs('npm', ['pack', '--dry-run', '--json', '--ignore-scripts']));
    const listed = JSON.parse(stdout) as { files: { path: string }[] }[] | Record<string, { files: { path: string }[] }>;
    const [{ files }] = Object.values(listed) as [{ files: { path: string }[] }];
    const paths = files.map(({ path }) => path);
    for (const path of [
      'dist/cli.js',
      'dist/index.cjs',
      'dist/training.cjs',
      'dist/training.d.ts',
      'dist/inference-worker.js',
      'dist/sqlite-worker.js',
      'dist/device-probe.js',
      'dist/client.js',
      'dist/client-page.js',
      'dist/client-page.d.ts',
      'dist/console/index.html',
      'dist/console/main.js',
      'dist/console/style.css',
      'dist/server.cjs',
      'dist/types.d.ts',
      'dist/types.d.cts',
      'dist/server.d.cts',
      'dist/learner.js',
      'dist/web.js',
      'dist/web.d.ts',
      'dist/web-worker.js',
      ...markdownFiles().filter((path) => path === 'llms.txt' || path.startsWith('docs/')),
      ...linkedFiles('README.md', readFileSync('README.md', 'utf8')),
      'examples/photos/CREDITS.md',
      'examples/photos/cat-floor.jpg',
      'examples/web/index.html',
      'examples/web/page/main.ts',
      'dist/http.js',
      'examples/custom-adapter/light-table.ts',
      'models/tiny/manifest.json',
      'models/tiny/sam.safetensors',
      'README.md',
      'LICENSE',
    ]) {
      expect(paths).toContain(path);
    }
    expect(
      paths.filter((path) => /^(src|test|tools|bench|examples\/web\/dist|docs\/\.vitepress|docs\/reference\/api)\//.test(path)),
    ).toEqual([]);
  });

  it('passes publint and attw', async () => {
    await run(...dyingWithUs('npx', ['publint', '--strict']));
    await run(...dyingWithUs('npx', ['attw', '--pack', '.', '--profile', 'node16', '--ignore-rules', 'cjs-resolves-to-esm']));
  });

  it('has a command line that says its version and names its commands', async () => {
    const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
    expect((await run(...dyingWithUs(process.execPath, ['dist/cli.js', '--version']))).stdout.trim()).toBe(version);
    expect((await run(...dyingWithUs(process.execPath, ['dist/cli.js', '--help']))).stdout).toMatch(
      /prosam demo[\s\S]*prosam segment[\s\S]*prosam train/,
    );
  });

  it('runs the demo from another folder', async () => {
    const cli = join(process.cwd(), 'dist/cli.js');
    const { stdout } = await run(...dyingWithUs(process.execPath, [cli, 'demo']), { cwd: folder });
    expect(stdout).toMatch(/IoU 0\.\d\d/);
    expect(existsSync(join(folder, 'prosam-demo', 'index.html'))).toBe(true);
  });
});
