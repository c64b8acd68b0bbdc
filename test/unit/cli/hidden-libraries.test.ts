/**
 * Systems on which compiled libraries do not load: stood in for by hidden libraries (test/support/hide-libraries.mjs), whose loader's
 * complaints are glibc's and musl's own words. Each command says which, why and what to do; the doctor goes on and tells the rest.
 */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { nativePackageError, nativeSystemOf } from '../../../src/core/common/native-package.ts';
import type { DoctorReport } from '../../../src/cli/doctor/text.ts';
import { dyingWithUs } from '../../support/dies-with-us.ts';
import type { CliResult } from './run-cli.ts';

const folder = mkdtempSync(join(tmpdir(), 'prosam-hidden-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const HIDE = pathToFileURL(resolve('test/support/hide-libraries.mjs')).href;
const NO_VIPS = { 'sharp-': 'libvips-cpp.so.8.18.0: cannot open shared object file: No such file or directory' };
const NO_ORT = { onnxruntime: 'libonnxruntime.so.1: cannot open shared object file: No such file or directory' };
const NO_LOADER = {
  onnxruntime: 'Error loading shared library ld-linux-x86-64.so.2: No such file or directory (needed by libonnxruntime.so.1)',
};

function run(args: readonly string[], hidden: Record<string, string>, musl = false): Promise<CliResult> {
  return new Promise((done) => {
    const env = {
      ...process.env,
      NODE_OPTIONS: `${process.env['NODE_OPTIONS'] ?? ''} --import=${HIDE}`,
      ...{ NODE_HIDDEN_LIBRARIES: JSON.stringify(hidden), NODE_HIDDEN_GLIBC: musl ? '1' : '0' },
    };
    execFile(
      ...dyingWithUs(process.execPath, [resolve('src/cli.ts'), ...args]),
      { cwd: folder, env, maxBuffer: 1 << 26 },
      (error, stdout, stderr) => {
        const code = error === null ? 0 : typeof error.code === 'number' ? error.code : -1;
        done({ code, stdout, stderr });
      },
    );
  });
}

const PHOTO = resolve('docs/results.jpg');
const SEGMENT = ['segment', '--reference', PHOTO, '--box', '10,10,60,60', '--target', PHOTO, '--out', 'masks', '--model', 'tiny'];

describe('with all compiled libraries hidden', () => {
  it.each(['--version', '--help', 'segment --help', 'doctor --help', 'models list'])('prosam %s works', async (words) => {
    const { code, stderr } = await run(words.split(' '), { ...NO_VIPS, ...NO_ORT });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  });

  it('the doctor names each of them, and tells the rest', async () => {
    const { code, stdout, stderr } = await run(['doctor', '--json', '--model', 'tiny'], { ...NO_VIPS, ...NO_ORT });
    expect(stderr).not.toContain('    at ');
    expect(code).toBe(1);
    const report = JSON.parse(stdout) as DoctorReport;
    expect(report.ok).toBe(false);
    const problems = report.findings.filter(({ state }) => state === 'problem');
    expect(problems.map(({ what }) => what)).toEqual(['sharp', 'onnxruntime-node']);
    expect(problems[0]?.found).toMatch(/^PACKAGE_MISSING: sharp, .*libvips-cpp\.so\.8\.18\.0.*npm install/);
    expect(problems[1]?.found).toMatch(/^PACKAGE_MISSING: onnxruntime-node, .*libonnxruntime\.so\.1.*npm install/);
    expect(report.machine.node).toBe(process.versions.node);
    expect(report.libraries.length).toBeGreaterThan(0);
  });
});

describe('a prediction', () => {
  it.each([
    ['without libvips', NO_VIPS, false, /PACKAGE_MISSING: sharp, .*libvips-cpp.*npm install/],
    ['without ONNX Runtime', NO_ORT, false, /onnxruntime-node, .*libonnxruntime.*npm install/],
    ['on musl', NO_LOADER, true, /onnxruntime-node, .* with musl: .*no build for musl \(Alpine\)/],
  ])('%s ends with a sentence', async (_, hidden, musl, sentence) => {
    const { code, stdout, stderr } = await run(SEGMENT, hidden, musl);
    expect(`${stdout}${stderr}`).toMatch(sentence);
    expect(stderr).not.toContain('    at ');
    expect([1, 2]).toContain(code);
  });
});

describe('nativePackageError', () => {
  const linux = { platform: 'linux', arch: 'x64', musl: false };
  const failed = (message: string): Error => Object.assign(new Error(message), { code: 'ERR_DLOPEN_FAILED' });
  it.each([
    [
      'an old system',
      'onnxruntime-node',
      failed("/lib/libm.so.6: version `GLIBC_2.38' not found (required by x.so)"),
      linux,
      /older than the library expects \(GLIBC_2\.38\)/,
    ],
    [
      'a missing library of the system',
      'onnxruntime-node',
      failed('libstdc++.so.6: cannot open shared object file: No such file or directory'),
      linux,
      /package that brings libstdc\+\+\.so\.6/,
    ],
    [
      'Windows',
      'onnxruntime-node',
      failed('The specified module could not be found.'),
      { ...linux, platform: 'win32' },
      /Visual C\+\+ Redistributable/,
    ],
    [
      'a machine without a build',
      'onnxruntime-node',
      new Error("Cannot find module '../bin/napi-v6/linux/riscv64/onnxruntime_binding.node'"),
      { ...linux, arch: 'riscv64' },
      /on linux riscv64: Cannot find module/,
    ],
    [
      'modules of another system',
      'sharp',
      new Error('Could not load the "sharp" module using the darwin-arm64 runtime\nPossible solutions:\n- x'),
      { platform: 'darwin', arch: 'arm64', musl: false },
      /--os=darwin --cpu=arm64 sharp/,
    ],
    [
      'musl',
      'sharp',
      new Error('Could not load the "sharp" module using the linuxmusl-x64 runtime'),
      { ...linux, musl: true },
      /--libc=musl/,
    ],
  ] as const)('%s', (_, name, cause, system, sentence) => {
    const { code, message } = nativePackageError(name, cause, system);
    expect(code).toBe('PACKAGE_MISSING');
    expect(message).toMatch(sentence);
    expect(message).not.toContain('\n');
  });

  it('knows musl by what Node says of the C library', () => {
    const told = (header: object) => ({ platform: 'linux', arch: 'x64', report: { getReport: () => ({ header }) } });
    expect(nativeSystemOf(told({ glibcVersionRuntime: '2.36' })).musl).toBe(false);
    expect(nativeSystemOf(told({})).musl).toBe(true);
    expect(nativeSystemOf({ ...told({}), platform: 'darwin' }).musl).toBe(false);
    expect(nativeSystemOf({ platform: 'linux', arch: 'x64' }).musl).toBe(false);
  });
});
