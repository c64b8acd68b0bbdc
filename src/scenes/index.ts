/** `prosam/scenes`: generated images with exact masks, for demonstrations, tests and training. */
export { CONCEPTS, CONCEPT_FOLDS } from './concepts.ts';
export type { Concept } from './concepts.ts';
export { conceptMask, generateScene } from './scene.ts';
export type { Scene, SceneOptions } from './scene.ts';
