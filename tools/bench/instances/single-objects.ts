/**
 * Whole single objects in photos of COCO's test split, by class: keys of photos, `#n` for the n-th largest region of the class instead of the
 * largest. Chosen by looking at every region that covers 2 % of its photo and touches at most one border.
 */
export const SINGLE_OBJECTS: Readonly<Record<string, string>> = {
  airplane: '505447 040870 575173 205401 125870 000540 208901',
  bird: '126107 041888#1 229997',
  bottle: '217397',
  bowl: '099053 577539 196393',
  bus: '000471 568290 303818 252639',
  car: '234748 423617 423617#1 303818 116740',
  cat: '000599 119828 358083 416256',
  chair: '159269 159269#1',
  cup: '311303 213148 000127',
  dog: '377575 491525 404484',
  keyboard: '416256 555009 555009#1 516008 416256#1',
  laptop: '065716 119828 516008 553664',
  motorcycle: '165518 000629',
  oven: '177977',
  person:
    '168974 217397 547336 519208 253955 352257 357888 343937 419173 000790#1 434204 438492 456496 003124 129648 397133 319492 478841 234748 ' +
    '070197 252219 364082 349860 360452 252219#1 442450 442450#1 360452#1 261888 000544#1',
  pizza: '000450 160012 359219 160012#1',
  'potted plant': '000030 404484 000790',
  refrigerator: '155299 030213',
  toilet: '000636 265628 403385',
  train: '411958#1',
  tv: '065716 555009 555009#1 255165 255165#1',
  'wine glass': '294920 121647',
};
