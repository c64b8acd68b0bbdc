/** Likeness of the prompts of one image: 1 where all m rows of mu point the same way, so that fifty prompts are one. */

/** Mean cosine between different rows of an image, averaged over the images. rows: [B, m, c] -> -1..1; NaN for a single prompt */
export function meanCosine(rows: Float32Array, prompts: number, width: number): number {
  const images = rows.length / (prompts * width);
  let mean = 0;
  for (let image = 0; image < images; image++) {
    // The cosines of all pairs add up to the squared length of the sum of unit rows, less the m of each row with itself.
    const sum = new Float64Array(width);
    for (let prompt = 0; prompt < prompts; prompt++) {
      const row = rows.subarray((image * prompts + prompt) * width, (image * prompts + prompt + 1) * width);
      const length = Math.sqrt(row.reduce((total, value) => total + value * value, 0)) || 1;
      row.forEach((value, i) => (sum[i] = (sum[i] as number) + value / length));
    }
    const squared = sum.reduce((total, value) => total + value * value, 0);
    mean += (squared - prompts) / (prompts * (prompts - 1) * images);
  }
  return mean;
}
