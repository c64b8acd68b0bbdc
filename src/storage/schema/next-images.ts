/** Step 7 of the schema: what the order of images to label next is made of. An image keeps its old place until it is predicted again. */

export const NEXT_IMAGES: readonly string[] = [
  'alter table images add column presence double precision not null default -1',
  'alter table images add column gain double precision not null default -1',
  'update images set gain = uncertainty',
  'create index images_gain on images (project, gain, sha256) where annotated = 0',
  'drop index images_ranked',
];
