import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { jsonLines, runCli } from './run-cli.ts';

const folder = mkdtempSync(join(tmpdir(), 'prosam-demo-'));
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

describe('prosam demo', () => {
  it('shows the main job on generated scenes, then works on the images it left', async () => {
    const first = await runCli(['demo', '--concepts', '2', '--targets', '2', '--out', 'd', '--json', '--method', 'prosam'], folder);
    expect(first.code).toBe(0);
    const lines = jsonLines(first.stdout);
    expect(lines).toHaveLength(4);
    for (const line of lines) {
      expect(line['iou']).toBeGreaterThanOrEqual(0);
      expect(line['iou']).toBeLessThanOrEqual(1);
    }
    const page = readFileSync(join(folder, 'd/index.html'), 'utf8');
    for (const { picture } of lines as { picture: string }[]) expect(page).toContain(picture.split('/').at(-1));

    const images = readdirSync(join(folder, 'd/images')).sort();
    const name = (images[0] as string).replace(/-reference.*|-target.*/, '');
    const at = (what: string): string => join('d/images', `${name}-${what}.png`);
    const own = [
      'demo',
      '--reference',
      at('reference'),
      '--mask',
      at('reference-mask'),
      '--target',
      at('target-1'),
      '--out',
      'own',
      '--json',
      '--method',
      'prosam',
    ];
    const second = await runCli([...own, '--truth', at('reference-mask')], folder);
    expect(second.code).toBe(0);
    const [line] = jsonLines(second.stdout) as [Record<string, unknown>];
    const same = lines.find((one) => one['task'] === name && one['target'] === 'target-1') as Record<string, unknown>;
    expect(line['score']).toBeCloseTo(same['score'] as number, 10);
    expect(typeof line['iou']).toBe('number');
  });

  it.each([
    [['demo', '--reference', 'a.png', '--box', '1,1,2,2'], '--target'],
    [['demo', '--concepts', '0'], '--concepts'],
    [['demo', '--targets', 'many'], '--targets'],
    [['dance'], 'no command dance'],
  ])('refuses %j', async (args, words) => {
    const { code, stderr } = await runCli(args, folder);
    expect(code).toBe(2);
    expect(stderr).toContain(words);
  });
});
