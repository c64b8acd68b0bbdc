/** `prosam/http`: what adapters of further tools share, and what puts routes on a port. */
export { createBodyBudget } from './body/body-budget.ts';
export type { BodyBudget, HeldBytes } from './body/body-budget.ts';
export { createGuard, mayUse } from './guard.ts';
export type { Guard, GuardOptions, SignedClaim } from './guard.ts';
export { createHttpApp } from './http-app.ts';
export type { HttpApp, HttpAppOptions, NodeHandler } from './http-app.ts';
export { imageInputSchema } from './images/image-input.ts';
export type { ImageInputJson, ImageSources } from './images/image-input.ts';
export { createImageSources } from './images/image-sources.ts';
export type { ImageSourceOptions } from './images/image-sources.ts';
export { listen } from './listen.ts';
export type { Listening, ListenOptions } from './listen.ts';
export { route } from './route.ts';
export type { Access, Caller, Route, RouteAnswer, RouteContext, ServerEvent } from './route.ts';
export { signBody, verifySignature } from './signature.ts';
