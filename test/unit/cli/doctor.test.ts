import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { adviceFor } from '../../../src/cli/doctor/doctor.ts';
import type { DeviceReport } from '../../../src/cli/doctor/devices.ts';
import { machineReport } from '../../../src/cli/doctor/machine.ts';
import { wrapped } from '../../../src/core/common/finding.ts';
import { doctorText, type DoctorReport } from '../../../src/cli/doctor/text.ts';
import { timeStages } from '../../../src/cli/doctor/timing.ts';
import { runCli } from './run-cli.ts';

const folder = mkdtempSync(join(tmpdir(), 'prosam-doctor-'));
afterAll(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

/** A machine whose nvidia-smi lists one GPU. */
function withNvidiaSmi(text: string): void {
  const programs = join(folder, 'bin');
  mkdirSync(programs, { recursive: true });
  writeFileSync(join(programs, 'nvidia-smi'), `#!/bin/sh\n${text}\n`);
  chmodSync(join(programs, 'nvidia-smi'), 0o755);
  vi.stubEnv('PATH', `${programs}${delimiter}${process.env['PATH'] ?? ''}`);
}

describe('prosam doctor', () => {
  it('tells what works, in one document', async () => {
    const { code, stdout } = await runCli(['doctor', '--json'], folder);
    expect(code).toBe(0);
    const report = JSON.parse(stdout) as DoctorReport;
    expect(report.ok).toBe(true);
    expect(report.machine).toMatchObject({ node: process.versions.node, onnxruntime: '1.30.0' });
    expect(report.devices.find(({ device }) => device === 'cpu')).toMatchObject({ state: 'works', auto: true });
    expect(Object.keys(report.timing?.stages ?? {})).toEqual(['embed', 'reference', 'prompt', 'decode', 'resize']);
    expect(report.timing?.devices.at(-1)?.device).toBe(report.timing?.device);
    for (const width of [80, 100, 140]) {
      const lines = doctorText(report, width).split('\n');
      expect(lines.filter((line) => line.length > width && line.trim().includes(' ') && !line.includes(folder))).toEqual([]);
      expect(lines).toContain('Devices');
      expect(lines.at(-1)).toMatch(/^Predictions work on \w+\.$/);
    }
  });

  it('fails for a device or a model that is not there, and still tells the rest', async () => {
    const { code, stdout } = await runCli(['doctor', '--device', 'coreml', '--model', 'tiny'], folder);
    expect(code).toBe(1);
    expect(stdout).toMatch(/problem\s+predictions: DEVICE_UNAVAILABLE: expected the device coreml/);
    expect(stdout).toContain('works cpu');
    const missing = await runCli(['doctor', '--model', './nothing-here', '--json'], folder);
    expect(missing.code).toBe(1);
    const told = JSON.parse(missing.stdout) as { ok: boolean; findings: { state: string }[] };
    expect(told.ok).toBe(false);
    // Machines with a software GPU have a note besides.
    expect(told.findings.filter(({ state }) => state === 'problem')).toMatchObject([
      { found: expect.stringMatching(/^MODEL_NOT_FOUND/) as string },
    ]);
  });

  it('refuses wrong options', async () => {
    for (const args of [['--device', 'abacus'], ['--threads', 'x'], ['--timeout', '0'], ['--faster'], ['everything']]) {
      const { code, stdout } = await runCli(['doctor', ...args], folder);
      expect([code, stdout]).toEqual([2, '']);
    }
    expect((await runCli(['doctor', '--help'], folder)).stdout).toMatch(/Exit code: 0 .*\n\nExamples:/);
  });

  it('gives up on predictions that take too long', async () => {
    await expect(timeStages({ device: 'cpu' }, AbortSignal.abort(new Error('too long')))).rejects.toThrow('too long');
  });

  it.skipIf(process.platform === 'win32')('lists GPUs where nvidia-smi does, and advises what to do about them', async () => {
    withNvidiaSmi('echo "NVIDIA H200, 570.1, 143771 MiB"');
    const machine = await machineReport('tiny');
    expect(machine.nvidia).toEqual(['NVIDIA H200, 570.1, 143771 MiB']);
    const cuda: DeviceReport = { device: 'cuda', state: 'no', reason: 'the provider is missing', auto: true };
    expect(adviceFor(machine, [cuda], undefined)).toMatchObject([
      { what: 'CUDA', state: 'note', found: 'there is an NVIDIA GPU, but CUDA is not used: the provider is missing' },
      { what: 'driver', state: 'note', found: expect.stringContaining('older than 580') as string, fix: 'update it' },
    ]);
    withNvidiaSmi('echo broken >&2; exit 9');
    expect((await machineReport('tiny')).nvidia).toEqual([]);
  });
});

describe('text behind a margin', () => {
  it('breaks between words alone', () => {
    expect(wrapped('ab  ', 'one two three', 11)).toBe('ab  one two\n    three');
    expect(wrapped('ab  ', 'averyverylongword x', 8)).toBe('ab  averyverylongword\n    x');
  });
});
