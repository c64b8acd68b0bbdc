/** The commands by name: the table and the code of each are loaded on demand. */
import type { Run } from './common/command.ts';
import type { CommandSpec, GroupSpec } from './common/spec.ts';
import type { CommandName } from './common/summaries.ts';

export interface CommandEntry {
  spec: () => Promise<CommandSpec | GroupSpec>;
  run: () => Promise<Run>;
}

/** Commands in the order of `prosam --help`. */
export const COMMANDS: Readonly<Record<CommandName, CommandEntry>> = {
  demo: {
    spec: async () => (await import('./demo/spec.ts')).DEMO,
    run: async () => (await import('./demo/demo.ts')).demo,
  },
  segment: {
    spec: async () => (await import('./segment/spec.ts')).SEGMENT,
    run: async () => (await import('./segment/segment.ts')).segment,
  },
  serve: {
    spec: async () => (await import('./serve/spec.ts')).SERVE,
    run: async () => (await import('./serve/serve.ts')).serveCommand,
  },
  train: {
    spec: async () => (await import('./train/spec.ts')).TRAIN,
    run: async () => (await import('./train/train.ts')).trainCommand,
  },
  learn: {
    spec: async () => (await import('./learn/spec.ts')).LEARN,
    run: async () => (await import('./learn/learn.ts')).learnCommand,
  },
  models: {
    spec: async () => (await import('./models/spec.ts')).MODELS,
    run: async () => (await import('./models/models.ts')).modelsCommand,
  },
  prune: {
    spec: async () => (await import('./prune/spec.ts')).PRUNE,
    run: async () => (await import('./prune/prune.ts')).pruneCommand,
  },
  backup: {
    spec: async () => (await import('./backup/spec.ts')).BACKUP,
    run: async () => (await import('./backup/backup.ts')).backupCommand,
  },
  restore: {
    spec: async () => (await import('./backup/spec.ts')).RESTORE,
    run: async () => (await import('./backup/restore.ts')).restoreCommand,
  },
  db: {
    spec: async () => (await import('./db/spec.ts')).DB,
    run: async () => (await import('./db/db.ts')).dbCommand,
  },
  'label-studio': {
    spec: async () => (await import('./label-studio/spec.ts')).LABEL_STUDIO,
    run: async () => (await import('./label-studio/label-studio.ts')).labelStudioCommand,
  },
  eval: {
    spec: async () => (await import('./eval/spec.ts')).EVAL,
    run: async () => (await import('./eval/eval.ts')).evalCommand,
  },
  study: {
    spec: async () => (await import('./study/spec.ts')).STUDY,
    run: async () => (await import('./study/study.ts')).studyCommand,
  },
  scenes: {
    spec: async () => (await import('./scenes/spec.ts')).SCENES,
    run: async () => (await import('./scenes/scenes.ts')).scenes,
  },
  cvat: {
    spec: async () => (await import('./cvat/spec.ts')).CVAT,
    run: async () => (await import('./cvat/cvat.ts')).cvatCommand,
  },
  setup: {
    spec: async () => (await import('./setup/spec.ts')).SETUP,
    run: async () => (await import('./setup/setup.ts')).setup,
  },
  doctor: {
    spec: async () => (await import('./doctor/spec.ts')).DOCTOR,
    run: async () => (await import('./doctor/doctor.ts')).doctor,
  },
};

/** Tables of all commands. */
export function commandSpecs(): Promise<(CommandSpec | GroupSpec)[]> {
  return Promise.all(Object.values(COMMANDS).map(({ spec }) => spec()));
}
