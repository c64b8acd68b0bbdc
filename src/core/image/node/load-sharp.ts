/** The package sharp, loaded when an image is first read or written: where it cannot be loaded, everything else still works. */
import type sharpFunction from 'sharp';
import { nativePackageError, nativeSystemOf } from '../../common/native-package.ts';

let loading: Promise<typeof sharpFunction> | undefined;

/** @throws PACKAGE_MISSING where it is not installed or its library does not load, with what to do */
export function loadSharp(): Promise<typeof sharpFunction> {
  return (loading ??= import('sharp').then(
    (package_) => package_.default,
    (cause: unknown) => {
      loading = undefined;
      throw nativePackageError('sharp', cause, nativeSystemOf(process));
    },
  ));
}
