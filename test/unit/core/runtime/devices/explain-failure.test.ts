import { describe, expect, it } from 'vitest';
import { explainFailure } from '../../../../../src/core/runtime/devices/explain-failure.ts';

describe('a complaint of ONNX Runtime', () => {
  it('loses the place in its sources and gains advice', () => {
    const cuda =
      '/onnxruntime_src/core/providers/cuda/cuda_call.cc:154 std::conditional_t<THRW> CudaCall(ERRTYPE) [with ERRTYPE = cudaError] ' +
      'CUDA failure 100: no CUDA-capable device is detected ; GPU=-1 ; hostname=vm ; expr=cudaSetDevice(info_.device_id);';
    expect(explainFailure(cuda)).toMatch(/^CUDA failure 100: no CUDA-capable device is detected \(nvidia-smi .*\)$/);
    const webgpu =
      '/onnxruntime_src/core/providers/webgpu/webgpu_context.cc:136 Initialize()::<lambda()> adapter_result.status == Success was false. ' +
      'Failed to get a WebGPU adapter: No supported adapters\n';
    expect(explainFailure(webgpu)).toMatch(/^Failed to get a WebGPU adapter: No supported adapters \(install the driver/);
    expect(explainFailure('CUDA failure 35: CUDA driver version is insufficient for CUDA runtime version ; GPU=0')).toContain('580');
  });

  it('stays as it is otherwise, on one line', () => {
    expect(explainFailure('something\n  else.')).toBe('something else');
    expect(explainFailure('x'.repeat(5000)).length).toBeLessThanOrEqual(300);
  });
});
