/** Probes that answer, crash, hang and say nothing. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { probeDevice } from '../../../../../src/core/runtime/devices/probe-device.ts';

const folder = mkdtempSync(join(tmpdir(), 'prosam-probe-'));
afterAll(() => rmSync(folder, { recursive: true }));

function program(name: string, source: string): URL {
  const file = join(folder, `${name}.mjs`);
  writeFileSync(file, source);
  return pathToFileURL(file);
}

describe('the probe of a device', () => {
  it('compares it with the CPU in another process', async () => {
    const response = await probeDevice('cpu');
    expect(response).toMatchObject({ metrics: { difference: 0 } });
    expect('metrics' in response && response.metrics.cpuMs).toBeGreaterThan(0);
  });

  it('says why a device cannot be tried', async () => {
    expect(await probeDevice('coreml')).toMatchObject({ failed: expect.stringContaining('has no CoreML') as string });
  });

  it('outlives a driver that crashes', async () => {
    const crash = program('crash', `process.kill(process.pid, 'SIGSEGV'); setInterval(() => {}, 1000);`);
    expect(await probeDevice('webgpu', { program: crash })).toEqual({ failed: 'its driver ended the probe with SIGSEGV' });
    const quit = program('quit', 'process.exit(3);');
    expect(await probeDevice('webgpu', { program: quit })).toEqual({ failed: 'its driver ended the probe with exit code 3' });
  });

  it('gives a driver up that hangs', async () => {
    const hang = program('hang', 'for (;;);');
    expect(await probeDevice('webgpu', { program: hang, timeoutMs: 300 })).toEqual({ failed: 'it did not answer within 0.3 s' });
  });
});
