/** ONNX Runtime's Node package, loaded when it is first needed: before that it must be settled where its library comes from. */
import type * as OnnxRuntime from 'onnxruntime-node';
import { nativePackageError, nativeSystemOf } from '../../common/native-package.ts';
import { preferCudaFolder } from '../devices/provider-folder.ts';

type Package = typeof OnnxRuntime;

let loading: Promise<Package> | undefined;

/** @throws PACKAGE_MISSING where it is not installed or its library does not load, with what to do */
export function onnxRuntime(): Promise<Package> {
  return (loading ??= load().catch((error: unknown) => {
    loading = undefined;
    throw error;
  }));
}

async function load(): Promise<Package> {
  const package_ = await loadPackage().catch((cause: unknown) => {
    throw nativePackageError('onnxruntime-node', cause, nativeSystemOf(process));
  });
  // What goes wrong is thrown as an error; ONNX Runtime would print it to stderr as well.
  package_.env.logLevel = 'fatal';
  return package_;
}

async function loadPackage(): Promise<Package> {
  preferCudaFolder();
  return import('onnxruntime-node');
}
