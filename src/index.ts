/** `prosam`: the engine, masks and errors. Types of signatures that are seldom written down are in `prosam/types`. */
export * from './core/public.ts';
export { createEngine } from './core/runtime/node/create-engine.ts';
export { pngFromMask, uncertaintyPng } from './core/image/node/png.ts';
export { externalSystem } from './external/external-system.ts';
export type { EngineOptions } from './core/runtime/node/open-engine.ts';
