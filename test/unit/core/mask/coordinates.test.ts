/** Units of coordinates, and what lies a hair outside; expected values by hand. */
import { describe, expect, test } from 'vitest';
import { maskFromAnnotation } from '../../../../src/core/mask/draw-annotation.ts';
import { coordinateNotices, fittedAnnotation } from '../../../../src/core/mask/coordinates.ts';
import { parseAnnotation, type Annotation, type DrawnAnnotation } from '../../../../src/core/mask/annotation.ts';
import { boundingBox } from '../../../../src/core/mask/raster.ts';
import { expectCode } from '../expect-error.ts';

const SIZE = { width: 200, height: 100 };
const fitted = (annotation: Annotation) => fittedAnnotation(parseAnnotation(annotation) as DrawnAnnotation, SIZE);
const drawn = (annotation: Annotation) => boundingBox(maskFromAnnotation(annotation, SIZE.width, SIZE.height));

describe('coordinates', () => {
  test.each<[name: string, annotation: Annotation, box: number[]]>([
    ['a box in pixels', { box: [20, 10, 180, 90] }, [20, 10, 180, 90]],
    ['in shares', { box: [0.1, 0.1, 0.9, 0.9], units: 'fraction' }, [20, 10, 180, 90]],
    ['in percent', { box: [10, 10, 90, 90], units: 'percent' }, [20, 10, 180, 90]],
    ['the whole image in shares', { box: [0, 0, 1, 1], units: 'fraction' }, [0, 0, 200, 100]],
    ['a hair outside at every side', { box: [-0.5, -1, 200.5, 101] }, [0, 0, 200, 100]],
    ['a polygon a hair outside', { polygon: [[-0.9, 0], [200.9, 0], [200, 100.5], [0, 100]] }, [0, 0, 200, 100]], // prettier-ignore
    ['a polygon in percent', { polygon: [[0, 0], [50, 0], [50, 50], [0, 50]], units: 'percent' }, [0, 0, 100, 50]], // prettier-ignore
    ['a click on the far corner', { points: [[200, 100]] }, [199, 99, 200, 100]],
    ['a click at share 1', { points: [[1, 1]], units: 'fraction' }, [199, 99, 200, 100]],
    ['a click a hair before the first pixel', { points: [[-1, -0.2]] }, [0, 0, 1, 1]],
  ])('%s', (_, annotation, box) => {
    expect(drawn(annotation)).toEqual(box);
    const once = fitted(annotation);
    expect(fittedAnnotation(once, SIZE)).toEqual(once);
  });

  test.each<[name: string, annotation: Annotation, words: string]>([
    ['a box', { box: [0, 0, 201.5, 100] }, '(0, 0, 201.5, 100)'],
    ['a click', { points: [[10, 10], [10, 102]] }, 'point at (10, 102)'], // prettier-ignore
    ['a negative click', { points: [[10, 10]], negative: [[-2, 3]] }, 'point at (-2, 3)'],
    ['a stroke', { scribble: [[10, 10], [300, 10]] }, 'scribble at (300, 10)'], // prettier-ignore
    ['pixels called shares', { box: [20, 10, 180, 90], units: 'fraction' }, 'The units are fraction'],
    ['pixels called percent', { box: [20, 10, 180, 90], units: 'percent' }, '0 to 100 percent'],
  ])('%s far outside is refused', (_, annotation, words) => {
    const { message } = expectCode('ANNOTATION_OUTSIDE', () => drawn(annotation));
    expect(message).toContain('200 x 100');
    expect(message).toContain(words);
  });

  test('units that are none are refused', () => {
    expectCode('ANNOTATION_INVALID', () => parseAnnotation({ box: [0, 0, 1, 1], units: 'inches' } as unknown as Annotation));
  });

  test('pixels that look like shares are said, declared ones and small images are not', () => {
    const codes = (annotation: Annotation, size = SIZE) =>
      coordinateNotices(parseAnnotation(annotation) as DrawnAnnotation, size).map(({ code }) => code);
    expect(codes({ box: [0.1, 0.1, 0.9, 0.9] })).toEqual(['COORDINATES_TINY']);
    expect(codes({ points: [[0.5, 0.5]] })).toEqual(['COORDINATES_TINY']);
    expect(codes({ box: [0, 0, 1, 1], units: 'pixels' })).toEqual([]);
    expect(codes({ box: [0.1, 0.1, 0.9, 0.9], units: 'fraction' })).toEqual([]);
    expect(codes({ box: [0, 0, 1, 2] })).toEqual([]);
    expect(codes({ box: [0, 0, 1, 1] }, { width: 2, height: 1 })).toEqual([]);
  });
});
