/** Summaries of the commands, in the order of `prosam --help`, which loads nothing else. */
export const SUMMARIES = {
  demo: 'see it work on photos that come with it, offline, or on your own',
  segment: 'annotate an object in one image, get its mask in others',
  serve: 'masks over HTTP for any labeling tool',
  train: 'learn from annotated images',
  learn: 'learn from accepted annotations',
  models: 'models: pull from the hub, add your own, verify; versions that were learned',
  prune: 'remove what nobody needs any more from disk and database',
  backup: 'write everything into a folder while the service runs',
  restore: 'bring a backup back, into a store of any kind',
  db: 'look after the database, or move everything to another',
  'label-studio': 'connect a Label Studio project, find what is wrong, annotate through its interface',
  eval: 'measure models and methods on annotated images',
  study: "the paper's studies, trained and measured here",
  scenes: 'draw annotated images to train and measure on',
  cvat: 'fill tasks of a CVAT, find out why it does not reach prosam',
  setup: 'make a training engine or CUDA ready',
  doctor: 'what this machine has, which devices work, and how fast',
} as const;

export type CommandName = keyof typeof SUMMARIES;
