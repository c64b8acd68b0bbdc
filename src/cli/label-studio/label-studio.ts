/** `prosam label-studio`: connects a project of Label Studio, checks a connection, and annotates without one. */
import type { Run } from '../common/command.ts';
import { cleanOptions } from '../common/engine-options.ts';
import { runGroup, type Loaders } from '../common/group.ts';
import { parseCommand } from '../common/parse.ts';
import { openContext } from './context.ts';
import {
  LABEL_STUDIO,
  LABEL_STUDIO_ANNOTATE,
  LABEL_STUDIO_CONNECT,
  LABEL_STUDIO_DOCTOR,
  LABEL_STUDIO_SYNC,
  LABEL_STUDIO_TIDY,
} from './spec.ts';

const doctorCommand: Run = async (args, terminal) => {
  const { values } = parseCommand(LABEL_STUDIO_DOCTOR, args);
  const { doctor } = await import('./doctor/doctor.ts');
  return doctor({ ...(await openContext(values)), project: values.project }, terminal, values);
};

const connectCommand: Run = async (args, terminal) => {
  const { values } = parseCommand(LABEL_STUDIO_CONNECT, args);
  const { connect } = await import('./connect.ts');
  return connect({ ...(await openContext(values)), project: values.project }, terminal, values);
};

const annotateCommand: Run = async (args, terminal) => {
  const { values } = parseCommand(LABEL_STUDIO_ANNOTATE, args);
  const { annotate } = await import('./annotate.ts');
  const given = values.backend !== undefined || values.fromHere !== undefined;
  return annotate({ ...(await openContext(values)), project: values.project }, terminal, {
    ...values,
    cleaning: cleanOptions(values),
    given,
  });
};

const syncCommand: Run = async (args, terminal) => {
  const { values } = parseCommand(LABEL_STUDIO_SYNC, args);
  const { sync } = await import('./sync.ts');
  return sync({ ...(await openContext(values)), project: values.project }, terminal, values);
};

const tidyCommand: Run = async (args, terminal) => {
  const { values } = parseCommand(LABEL_STUDIO_TIDY, args);
  const { tidy } = await import('./tidy.ts');
  return tidy({ ...(await openContext(values)), project: values.project }, terminal, values);
};

const COMMANDS: Loaders = {
  doctor: () => Promise.resolve(doctorCommand),
  connect: () => Promise.resolve(connectCommand),
  annotate: () => Promise.resolve(annotateCommand),
  sync: () => Promise.resolve(syncCommand),
  tidy: () => Promise.resolve(tidyCommand),
};

/** Resolves to the exit code. */
export const labelStudioCommand: Run = (args, terminal) => runGroup(LABEL_STUDIO, COMMANDS, args, terminal);
