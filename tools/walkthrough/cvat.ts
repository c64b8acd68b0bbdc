/**
 * Outputs of examples/cvat/README.md: the command line against the tests' stand-in for CVAT, with photos of the package.
 * node tools/walkthrough/cvat.ts
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import sharp from 'sharp';
import { cvatRleFromMaskSync } from '../../src/core/mask/cvat-rle.ts';
import { dyingWithUs } from '../../test/support/dies-with-us.ts';
import { startStandIn, TOKEN } from '../../test/integrations/cvat/stand-in-cvat.ts';

const PHOTOS = resolve('examples/photos');
const NAMES = ['cat-floor', 'cat-sofa', 'cat-desk', 'cat-mirror', 'cat-bowl', 'airplane-jet'];
const folder = mkdtempSync(join(tmpdir(), 'prosam-cvat-walk-'));

/** Both streams in the order they came. */
async function prosam(args: readonly string[]): Promise<void> {
  console.log(`$ prosam ${args.join(' ')}`);
  const child = spawn(...dyingWithUs(process.execPath, [resolve('src/cli.ts'), ...args]), {
    cwd: folder,
    env: { ...process.env, CVAT_TOKEN: TOKEN },
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const code = await new Promise<number | null>((done) => child.once('close', done));
  console.log(`(exit code ${code})\n`);
}

const cvat = await startStandIn();
try {
  const frames = await Promise.all(
    NAMES.map(async (name) => {
      const bytes = readFileSync(join(PHOTOS, `${name}.jpg`));
      const { width, height } = await sharp(bytes).metadata();
      return { name: `${name}.jpg`, width, height, bytes };
    }),
  );
  const task = cvat.addTask({ frames, labels: [{ name: 'cat' }] });
  const { data, info } = await sharp(join(PHOTOS, 'masks', 'cat-floor.png'))
    .toColourspace('b-w')
    .raw()
    .toBuffer({ resolveWithObject: true });
  const mask = { data: data.map((value) => (value > 127 ? 1 : 0)), width: info.width, height: info.height };
  cvat.addShape(task, { type: 'mask', frame: 0, label: 'cat', points: cvatRleFromMaskSync(mask) });
  const common = ['cvat', 'annotate', '--server', cvat.url, '--task', String(task.id)];
  await prosam([...common, '--reference-frame', '0', '--dry-run', '--out', 'dry-run']);
  await prosam([...common, '--reference-frame', '0']);
  await prosam([...common, '--reference-frame', '0', '--threshold', '0.3', '--replace']);
  await prosam([...common, '--undo']);
  await prosam(['cvat', 'doctor', '--server', cvat.url]);
} finally {
  await cvat.close();
  rmSync(folder, { recursive: true, force: true });
}
