/** `prosam models`: the models on this machine, and the versions that were learned from them. */
import type { Run } from '../common/command.ts';
import { runGroup, type Loaders } from '../common/group.ts';
import { MODELS } from './spec.ts';

const COMMANDS: Loaders = {
  list: async () => (await import('./list.ts')).listModels,
  pull: async () => (await import('./pull.ts')).pullModel,
  add: async () => (await import('./add.ts')).addModelCommand,
  info: async () => (await import('./info.ts')).modelInfo,
  verify: async () => (await import('./verify.ts')).verifyModel,
  remove: async () => (await import('./remove.ts')).removeModelCommand,
  show: async () => (await import('./versions.ts')).showVersion,
  diff: async () => (await import('./versions.ts')).diffVersions,
  promote: async () => (await import('./versions.ts')).promoteVersion,
  rollback: async () => (await import('./versions.ts')).rollbackVersion,
};

/** Resolves to the exit code. */
export const modelsCommand: Run = (args, terminal) => runGroup(MODELS, COMMANDS, args, terminal);
