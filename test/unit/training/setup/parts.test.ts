import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { runTool } from '../../../../src/setup/run-tool.ts';
import { unpack } from '../../../../src/setup/wheel-files.ts';
import { defaultCacheDir } from '../../../../src/training/setup/library.ts';
import { checkPlatform } from '../../../../src/training/setup/requirements.ts';
import { WHEELS } from '../../../../src/training/setup/wheels.ts';
import { expectCode, expectRejection } from '../../core/expect-error.ts';
import { dyingWithUs } from '../../../support/dies-with-us.ts';

const folder = mkdtempSync(join(tmpdir(), 'prosam-setup-parts-'));
afterAll(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

function python(...args: string[]): string | undefined {
  try {
    return execFileSync(...dyingWithUs('python3', args), { encoding: 'utf8' });
  } catch {
    return undefined;
  }
}

describe('the platform', () => {
  it('is Linux on x64 with a C library as new as the wheels’', () => {
    const linux = { system: 'linux', processor: 'x64' };
    for (const glibc of ['2.27', '2.36', '2.41', '3.0']) checkPlatform({ ...linux, glibc });
    expectCode(
      'SETUP_FAILED',
      () => checkPlatform({ ...linux, glibc: '2.17' }),
      'glibc 2.27 or newer',
      'got linux on x64 with glibc 2.17',
      'wasm',
    );
    expectCode('SETUP_FAILED', () => checkPlatform({ ...linux, glibc: undefined }), 'without glibc');
    expectCode('SETUP_FAILED', () => checkPlatform({ system: 'darwin', processor: 'arm64', glibc: undefined }), 'got darwin on arm64.');
    expectCode('SETUP_FAILED', () => checkPlatform({ system: 'linux', processor: 'arm64', glibc: '2.36' }), 'linux on arm64');
  });
});

describe('the wheels', () => {
  it('are pinned one by one', () => {
    const all = [...WHEELS.cpu, ...WHEELS.cuda];
    const sums = all.flatMap(({ sha256 }) => sha256);
    expect(sums.filter((sum) => !/^[0-9a-f]{64}$/.test(sum))).toEqual([]);
    expect(new Set(sums).size).toBe(sums.length);
    expect(all.map(({ requirement }) => requirement).filter((requirement) => !/^[a-z0-9-]+==[\d.]+$/.test(requirement))).toEqual([]);
    expect(WHEELS.cpu).toHaveLength(1);
    expect(WHEELS.cuda).toHaveLength(13);
  });

  it.skipIf(python('--version') === undefined)('give only the expected parts, and programs stay runnable (needs python3)', async () => {
    const archive = join(folder, 'a.whl');
    python(
      '-c',
      `
import sys, zipfile
with zipfile.ZipFile(sys.argv[1], 'w', zipfile.ZIP_DEFLATED) as wheel:
    for name, mode in (('kept/lib/a.so', 0o644), ('kept/bin/ptxas', 0o755), ('dropped/x', 0o644), ('single.so', 0o644)):
        info = zipfile.ZipInfo(name)
        info.external_attr = mode << 16
        wheel.writestr(info, name)
`,
      archive,
    );
    const to = join(folder, 'unpacked');
    await unpack(archive, to, ['kept/', 'single.so']);
    expect(readdirSync(to, { recursive: true }).map(String).sort()).toEqual([
      'kept',
      'kept/bin',
      'kept/bin/ptxas',
      'kept/lib',
      'kept/lib/a.so',
      'single.so',
    ]);
    expect(readFileSync(join(to, 'kept/lib/a.so'), 'utf8')).toBe('kept/lib/a.so');
    const mode = (path: string) => statSync(join(to, path)).mode & 0o777;
    expect([mode('kept/bin/ptxas'), mode('kept/lib/a.so') & 0o111]).toEqual([0o755, 0]);
    await expectRejection('SETUP_FAILED', unpack(join(folder, 'gone.whl'), to, ['']), 'gone.whl cannot be unpacked', 'No such file');
  });
});

describe('the cache folder', () => {
  it('is the user’s own', () => {
    vi.stubEnv('XDG_CACHE_HOME', '/somewhere');
    expect(defaultCacheDir()).toBe('/somewhere/prosam');
    vi.stubEnv('XDG_CACHE_HOME', '');
    vi.stubEnv('HOME', '/home/someone');
    expect(defaultCacheDir()).toBe('/home/someone/.cache/prosam');
  });
});

describe('a program', () => {
  it('that was ended says by what', async () => {
    const { code, complaint } = await runTool(process.execPath, ['-e', 'process.kill(process.pid, "SIGILL")'], '');
    expect(code).not.toBe(0);
    expect(complaint).toBe('ended by SIGILL');
  });

  it('is quoted by its last lines', async () => {
    const { code, complaint } = await runTool(
      process.execPath,
      ['-e', 'for (let i = 0; i < 50; i++) console.error("line", i, "\\n"); process.exit(3)'],
      '',
    );
    expect(code).toBe(3);
    expect(complaint.split('\n')).toHaveLength(8);
    expect(complaint).toMatch(/line 49$/);
  });
});
