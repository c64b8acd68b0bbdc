import { afterEach, describe, expect, it, vi } from 'vitest';
import { threadsHere, webgpuProblem } from '../../../../../src/core/runtime/web/device.ts';
import type { GpuAdapter } from '../../../../../src/core/common/web-globals.ts';

const gpu = (adapter: GpuAdapter | null) => ({ requestAdapter: () => Promise.resolve(adapter) });

describe('WebGPU in a browser', () => {
  it('is used where there is a graphics processor', async () => {
    expect(await webgpuProblem(gpu({ info: { vendor: 'apple', architecture: 'metal-3' } }))).toBeUndefined();
    expect(await webgpuProblem(gpu({}))).toBeUndefined();
  });

  it.each([
    [null, 'there is no graphics processor that WebGPU can use'],
    [{ info: { vendor: 'google', architecture: 'swiftshader' } }, 'is software (google swiftshader)'],
    [{ info: { vendor: 'mesa', description: 'llvmpipe (LLVM 15)' } }, 'is software (mesa llvmpipe (LLVM 15))'],
    [{ info: { vendor: 'microsoft', description: 'Microsoft Basic Render Driver' } }, 'is software'],
    [{ isFallbackAdapter: true }, 'is software (fallback adapter)'],
    [{ info: { vendor: 'x', isFallbackAdapter: true } }, 'is software (x)'],
  ])('is passed over, and why, for %j', async (adapter, words) => {
    expect(await webgpuProblem(gpu(adapter))).toContain(words);
  });

  it('is passed over where the browser has none, or asking for it fails', async () => {
    expect(await webgpuProblem()).toMatch(/does not offer WebGPU/); // Node
    expect(await webgpuProblem({ requestAdapter: () => Promise.reject(new Error('lost')) })).toMatch(/failed: lost/);
  });
});

describe('threads in a browser', () => {
  afterEach(() => vi.unstubAllGlobals());

  it('are one where the page is not isolated, whatever was asked for', () => {
    expect([threadsHere(undefined), threadsHere(8)]).toEqual([1, 1]);
  });

  it('are as many as were asked for, or as there are cores, at most four', () => {
    vi.stubGlobal('crossOriginIsolated', true);
    vi.stubGlobal('navigator', { hardwareConcurrency: 16 });
    expect([threadsHere(undefined), threadsHere(8), threadsHere(1)]).toEqual([4, 8, 1]);
    vi.stubGlobal('navigator', { hardwareConcurrency: 2 });
    expect(threadsHere(undefined)).toBe(2);
  });
});
