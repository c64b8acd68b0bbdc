import { describe, expect, it } from 'vitest';
import { classMask, croppedToImage, ignoredPixels, labelsOnSquare } from '../../../../src/training/batches/label-square.ts';

const WIDE = { data: Uint8Array.of(1, 1, 2, 2, 255, 255, 0, 0), width: 4, height: 2 };

describe('labels on the square', () => {
  it('stretches where the images are stretched', () => {
    const { data, width, height } = labelsOnSquare(WIDE, 4, 'stretch');
    expect([width, height]).toEqual([4, 4]);
    expect([...data]).toEqual([1, 1, 2, 2, 1, 1, 2, 2, 255, 255, 0, 0, 255, 255, 0, 0]);
    expect(labelsOnSquare(WIDE, 4, 'aligned')).toEqual(labelsOnSquare(WIDE, 4, 'stretch'));
  });

  it('pads with pixels that do not count where the images are padded', () => {
    const { data } = labelsOnSquare(WIDE, 4, 'longest-side');
    expect([...data]).toEqual([...WIDE.data, ...new Array<number>(8).fill(255)]);
  });

  it('never makes a class that was not there', () => {
    const { data } = labelsOnSquare(WIDE, 7, 'stretch');
    expect(new Set(data)).toEqual(new Set([0, 1, 2, 255]));
  });

  it('tells a class from ignored pixels', () => {
    expect([...classMask(WIDE, 2).data]).toEqual([0, 0, 1, 1, 0, 0, 0, 0]);
    expect([...ignoredPixels(WIDE)]).toEqual([0, 0, 0, 0, 1, 1, 0, 0]);
  });

  it('cuts the padding off again', () => {
    const { data } = labelsOnSquare(WIDE, 4, 'longest-side');
    expect(croppedToImage(data, { width: 400, height: 200 }, 'longest-side')).toEqual(WIDE);
    expect(croppedToImage(data, { width: 400, height: 200 }, 'stretch')).toMatchObject({ data, width: 4, height: 4 });
  });
});
