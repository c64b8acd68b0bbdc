/** A feature as bytes of a row: 32 bit numbers, lowest byte first, as every machine that runs this has them. */

export function bytesOfFeature(feature: Float32Array): Uint8Array {
  return new Uint8Array(feature.buffer, feature.byteOffset, feature.byteLength).slice();
}

/** Copied, because the bytes of a row may begin anywhere. */
export function featureOfBytes(bytes: Uint8Array): Float32Array {
  const copy = new Uint8Array(bytes);
  return new Float32Array(copy.buffer, 0, copy.byteLength / Float32Array.BYTES_PER_ELEMENT);
}
