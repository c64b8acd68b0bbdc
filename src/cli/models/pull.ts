/** `prosam models pull`: a model from the hub. */
import { CATALOGUE, catalogued, type CatalogueEntry } from '../../core/models/published-models.ts';
import { fetchWeights, type FetchedWeights } from '../../core/models/hub/hub.ts';
import { hubSettings, type HubSettings } from '../../core/models/hub/settings.ts';
import { checkModelName } from '../../core/checkpoint/model-paths.ts';
import { refuseTaken } from '../../core/models/install-model.ts';
import { isOwnError, ProsamError } from '../../core/common/errors.ts';
import { hashProgress, keepModel } from './add.ts';
import { agreeToAll, licenseAgreement, licenseOf } from './licenses.ts';
import { bytesText, createByteProgress } from '../common/progress.ts';
import { EXIT, UsageError, type Terminal } from '../common/command.ts';
import { parseCommand } from '../common/parse.ts';
import { MODELS_PULL } from './spec.ts';

type Wanted = Pick<CatalogueEntry, 'name' | 'repo' | 'file'> & Partial<CatalogueEntry> & { revision?: string };

/** Resolves to the exit code. */
export async function pullModel(args: readonly string[], terminal: Terminal): Promise<number> {
  const { values, positionals } = parseCommand(MODELS_PULL, args);
  const [given] = positionals as [string];
  const sam = wantedOf(given);
  const backbone = values.backbone === undefined ? undefined : wantedOf(values.backbone);
  if (backbone !== undefined && backbone.role === 'sam')
    throw new UsageError(`--backbone: ${backbone.name} is a SAM. Expected one of ${backbones()}.`);
  if (sam.role === 'backbone' && backbone) throw new UsageError(`${sam.name} is a backbone: pull a SAM, with --backbone ${sam.name}.`);
  const alone = sam.role === 'backbone';
  const name = values.as ?? (backbone ? `${sam.name}-${backbone.name}` : sam.name);
  // Before gigabytes are fetched for the model.
  if (!alone) {
    checkModelName(name);
    if (!values.force) await refuseTaken(name);
  }
  const hub = await hubSettings({ offline: values.offline });
  const { revision, file } = values;
  const asked: Wanted = { ...sam, ...(file !== undefined && { file }), ...(revision !== undefined && { revision }) };
  const agree = licenseAgreement(hub, values.acceptLicense, terminal);
  await agreeToAll(hub, [asked, ...(backbone ? [backbone] : [])], agree, terminal.signal);
  const weights = await fetched(hub, asked, agree, terminal);
  if (alone) {
    if (values.json) terminal.print(JSON.stringify({ name: sam.name, path: weights.path, commit: weights.commit }));
    else terminal.print(`${sam.name} is here: ${weights.path}\nIt is a backbone: prosam models pull sam-vit-b --backbone ${sam.name}`);
    return EXIT.ok;
  }
  const parts = [{ part: sam, weights }];
  if (backbone) parts.push({ part: backbone, weights: await fetched(hub, backbone, agree, terminal) });
  const [, own] = parts;
  const licenses = new Set(parts.map((one) => licenseOf(one.weights.license, one.part)));
  return keepModel(name, { sam: weights.path, ...(own && { backbone: own.weights.path }) }, values, terminal, {
    about: parts.map((one) => `${one.part.repo} at ${one.weights.commit.slice(0, 12)}`).join(', '),
    license: [...licenses].join(' and '),
  }).catch((error: unknown) => {
    throw isOwnError(error) && error.code === 'CHECKPOINT_MISMATCH' ? notKnown(error, sam) : error;
  });
}

/** Entry of a short name, or of any repository. @throws UsageError */
function wantedOf(name: string): Wanted {
  const entry = catalogued(name);
  if (entry) return entry;
  const [, last] = /^[^/]+\/([^/]+)$/.exec(name) ?? [];
  if (last === undefined) {
    const known = CATALOGUE.map((one) => one.name).join(', ');
    throw new UsageError(`models pull: expected one of ${known}, or a repository as OWNER/NAME, got ${JSON.stringify(name)}.`);
  }
  return { name: last, repo: name };
}

function backbones(): string {
  return CATALOGUE.filter(({ role }) => role === 'backbone')
    .map(({ name }) => name)
    .join(', ');
}

function notKnown(error: ProsamError, { repo }: Wanted): ProsamError {
  const known = CATALOGUE.map(({ name }) => name).join(', ');
  return new ProsamError(
    'CHECKPOINT_MISMATCH',
    `${repo} is not a model that is known here: ${error.message} What is fetched stays in the cache. Known: ${known}, and others of their build.`,
    { cause: error },
  );
}

async function fetched(
  hub: HubSettings,
  part: Wanted,
  agree: ReturnType<typeof licenseAgreement>,
  terminal: Terminal,
): Promise<FetchedWeights> {
  const { repo, file, name, revision } = part;
  const { warn, signal } = terminal;
  let bar: { path: string; show: (done: number) => void; clear: () => void } | undefined;
  const started = performance.now();
  let came = 0;
  const checking = hashProgress();
  const done = await fetchWeights(
    hub,
    { repo, ...(file !== undefined && { file }), ...(revision !== undefined && { revision }) },
    {
      signal,
      onChecked: checking.read,
      onLicense: (license) => agree(part, license),
      onNote(note) {
        checking.clear();
        bar?.clear();
        warn(note);
      },
      onBytes(one, bytes, added) {
        came += added;
        if (bar?.path !== one.path)
          bar = { path: one.path, ...createByteProgress(`${repo} ${one.path}`, one.size, process.stderr, bytes - added) };
        bar.show(bytes);
      },
    },
  ).finally(() => {
    checking.clear();
    bar?.clear();
  });
  const seconds = (performance.now() - started) / 1000;
  if (came > 0)
    warn(`${name}: ${bytesText(came)} fetched from ${hub.endpoint} in ${seconds.toFixed(1)} s (${bytesText(came / seconds)}/s)`);
  else warn(`${name}: ${hub.offline ? 'found in' : 'already in'} the cache`);
  return done;
}
