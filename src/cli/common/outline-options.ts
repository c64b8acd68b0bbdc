/** Options of polygons. */
import { DEFAULT_TOLERANCE, HOLE_FORMS, MAX_TOLERANCE } from '../../core/mask/polygon-groups.ts';
import { options } from './spec.ts';

export const TOLERANCE_OPTION = options({
  tolerance: {
    ...{ type: 'number', min: 0, max: MAX_TOLERANCE, value: 'PIXELS' },
    about: 'pixels that polygons may deviate from their mask, 0 for every corner; less where a region would change too much',
    default: DEFAULT_TOLERANCE,
  },
});

export const HOLES_OPTION = options({
  holes: {
    ...{ type: 'choice', choices: HOLE_FORMS },
    about: 'holes of polygons: rings of their own, or slits that open them to the outside',
    default: 'rings',
  },
});
