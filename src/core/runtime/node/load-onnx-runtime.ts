/** ONNX Runtime's Node package, loaded when it is first needed: before that it must be settled where its library comes from. */
import type * as OnnxRuntime from 'onnxruntime-node';
import { preferCudaFolder } from '../devices/provider-folder.ts';

type Package = typeof OnnxRuntime;

let loading: Promise<Package> | undefined;

export function onnxRuntime(): Promise<Package> {
  return (loading ??= load().catch((error: unknown) => {
    loading = undefined;
    throw error;
  }));
}

async function load(): Promise<Package> {
  preferCudaFolder();
  const package_ = await import('onnxruntime-node');
  // What goes wrong is thrown as an error; ONNX Runtime would print it to stderr as well.
  package_.env.logLevel = 'fatal';
  return package_;
}
