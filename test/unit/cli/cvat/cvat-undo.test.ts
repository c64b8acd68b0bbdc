/** `prosam cvat undo` as people type it, against the stand-in. */
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createAnswerLog, formDigest } from '../../../../src/adapters/cvat/annotate/answer-log.ts';
import { TOKEN } from '../../../integrations/cvat/stand-in-cvat.ts';
import { pngOf } from '../../adapters/webhook/webhook-server.ts';
import { cvatPlace } from './cvat-place.ts';
import { jsonLines, runCli } from '../run-cli.ts';

const { cvat, folder } = await cvatPlace('cvat-undo');
const uploads = join(folder, 'uploads');

const cli = (...args: string[]) => runCli(['cvat', 'undo', '--server', cvat.url, '--token', TOKEN, ...args], folder);

describe('prosam cvat undo', () => {
  it('removes what was answered, says what stays and why, and exits with 1 where nobody can tell', async () => {
    const bytes = await pngOf(1, 40, 30);
    const task = cvat.addTask({ frames: [{ name: '0.png', width: 40, height: 30, bytes }], labels: [{ name: 'cup' }, { name: 'mug' }] });
    const sent = ['--task', String(task.id)];
    const missing = await cli(...sent, '--uploads', uploads);
    expect([missing.code, missing.stderr]).toEqual([2, expect.stringContaining('--uploads') as string]);

    const boxes = [1, 2, 3].map((x) => ({ type: 'rectangle', points: [x, 1, x + 9, 9] }));
    const [first, second, third] = boxes.map((box, i) =>
      cvat.addShape(task, { ...box, frame: 0, label: i === 1 ? 'mug' : 'cup', source: 'auto' }),
    );
    const answers = createAnswerLog(uploads);
    const image = createHash('sha256').update(bytes).digest('hex');
    await answers.add(
      image,
      boxes.slice(0, 2).map((box) => ({ label: 'cup', forms: [formDigest(box)], group: 0 })),
    );
    // The folder of the service stands in its configuration.
    writeFileSync(join(folder, 'prosam.json'), JSON.stringify({ cvat: { uploads } }));
    const dry = await cli(...sent, '--config', 'prosam.json', '--dry-run', '--json');
    expect([dry.code, dry.stderr]).toEqual([1, expect.stringContaining('1 shapes would be removed, 2 stay') as string]);
    expect(cvat.shapes(task)).toHaveLength(3);
    expect(jsonLines(dry.stdout)).toMatchObject([
      {
        ...{ task: task.id, dryRun: true, removed: 1 },
        shapes: [
          { id: first?.id, frame: 0, label: 'cup', type: 'rectangle', fate: 'removed' },
          { id: second?.id, label: 'mug', fate: 'relabelled' },
          { id: third?.id, label: 'cup', fate: 'unknown' },
        ],
      },
    ]);
    const real = await cli(...sent, '--uploads', uploads);
    expect(real.code).toBe(1);
    expect(real.stdout).toBe('');
    expect(real.stderr).toContain('1 shapes were removed, 2 stay');
    expect(real.stderr).toContain('--mapping ANSWERED=LABEL');
    expect(real.stderr).toContain('(cup in frames 0)');
    expect(cvat.shapes(task).map(({ id }) => id)).toEqual([second?.id, third?.id]);
    const mapped = await cli(...sent, '--uploads', uploads, '--mapping', 'cup=mug', '--labels', 'mug');
    expect([mapped.code, mapped.stderr]).toEqual([0, expect.stringContaining('1 shapes were removed, 0 stay') as string]);
    expect(cvat.shapes(task).map(({ id }) => id)).toEqual([third?.id]);
  });

  it('explains how it is called', async () => {
    const help = await runCli(['cvat', 'undo', '--help'], folder);
    expect(help.code).toBe(0);
    for (const text of ['--dry-run', '--mapping', 'prosam cvat undo --server http://localhost:8080 --task 12', 'Exit code: 0 done'])
      expect(help.stdout).toContain(text);
    for (const [args, said] of [
      [[], '--task N or --job N'],
      [['--task', '1', '--mapping', 'cup'], 'ANSWERED=LABEL'],
      [['--task', '99999', '--uploads', uploads], 'CVAT_FAILED'],
    ] as const) {
      const { code, stderr } = await cli(...args);
      expect(stderr).toContain(said);
      expect(code).toBe(2);
    }
  });
});
