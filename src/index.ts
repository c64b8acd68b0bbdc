/** `prosam`: everything a program needs to find one object in many images. */
export * from './core/public.ts';
export { createEngine } from './core/runtime/node/create-engine.ts';
export { pngFromMask, uncertaintyPng } from './core/image/node/png.ts';
export type { EngineOptions } from './core/runtime/node/open-engine.ts';
export type { Device } from './core/runtime/devices/devices.ts';
export type { EngineWorker } from './core/engine/types.ts';
