import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { wantedLibraries } from '../../../../../src/core/runtime/devices/cuda-libraries.ts';
import { neededLibraries } from '../../../../../src/core/runtime/devices/elf-needed.ts';
import { loadLibrary } from '../../../../../src/core/runtime/devices/provider-folder.ts';
import { sharedLibrary } from '../../../../support/shared-library.ts';

const folder = mkdtempSync(join(tmpdir(), 'prosam-elf-'));
afterAll(() => rmSync(folder, { recursive: true }));

function file(name: string, bytes: Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
}

describe('the libraries a library asks for', () => {
  it('are read from the file', () => {
    const names = ['libcudart.so.13', 'libc.so.6', 'libcuda.so.1'];
    expect(neededLibraries(file('three.so', sharedLibrary(names)))).toEqual(names);
    expect(neededLibraries(file('none.so', sharedLibrary([])))).toEqual([]);
  });

  it('are none where the file is no such library, or is cut short', () => {
    const whole = sharedLibrary(['libcudart.so.13']);
    for (const bytes of [Buffer.alloc(0), Buffer.from('hello'), Buffer.alloc(200), ...[40, 64, 100, 150].map((n) => whole.subarray(0, n))])
      expect(neededLibraries(file('broken.so', bytes)).filter((name) => name !== '')).toEqual([]);
  });

  it.skipIf(process.platform !== 'linux')('agree with the program that runs this', () => {
    expect(neededLibraries(process.execPath)).toContain('libc.so.6');
  });

  it('are NVIDIA’s alone, in an order in which they load, with those that are opened late', () => {
    const provider = file(
      'provider.so',
      sharedLibrary(['libcublas.so.13', 'libcublasLt.so.13', 'libcudart.so.13', 'libcuda.so.1', 'libm.so.6']),
    );
    expect(wantedLibraries(provider)).toEqual([
      'libcudart.so.13',
      'libnvrtc.so.13',
      'libnvJitLink.so.13',
      'libcublasLt.so.13',
      'libcublas.so.13',
      'libcufft.so.12',
      'libcudnn.so.9',
    ]);
  });
});

describe.skipIf(process.platform !== 'linux')('loading a library', () => {
  it('says what the loader says', () => {
    expect(loadLibrary('libnosuchthing.so.1')).toContain('libnosuchthing.so.1: cannot open shared object file');
    expect(loadLibrary('libm.so.6')).toBeUndefined();
    expect(loadLibrary(file('text.so', Buffer.from('this is no library')))).toMatch(/file too short|invalid ELF header/);
  });
});
