/** `prosam cvat`: commands for a CVAT server. */
import type { Run } from '../common/command.ts';
import { runGroup, type Loaders } from '../common/group.ts';
import { CVAT } from './spec.ts';

const COMMANDS: Loaders = {
  annotate: async () => (await import('./annotate.ts')).cvatAnnotate,
  undo: async () => (await import('./undo.ts')).cvatUndo,
  import: async () => (await import('./import.ts')).cvatImport,
  doctor: async () => (await import('./doctor/doctor.ts')).cvatDoctor,
  'function-file': async () => (await import('./function-file.ts')).cvatFunctionFile,
  agent: async () => (await import('./agent.ts')).cvatAgent,
};

/** Resolves to the exit code. */
export const cvatCommand: Run = (args, terminal) => runGroup(CVAT, COMMANDS, args, terminal);
