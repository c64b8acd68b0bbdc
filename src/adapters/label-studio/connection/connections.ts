/** The projects of Label Studio that are known here: what they are called, where they are, and what they label. */
import { ProsamError } from '../../../core/common/errors.ts';
import { createLruMap } from '../../../core/common/lru-map.ts';
import { shownAddress } from '../../http/address-check.ts';
import type { EventProject } from '../protocol/events.ts';
import { parseLabelConfig, type LabelConfig } from '../protocol/label-config.ts';
import type { MlSetup } from '../protocol/request-schemas.ts';
import type { Connection, LabelStudioOptions } from '../types.ts';

/** The longest unused ones are forgotten; /setup comes before every batch and brings them back. */
const MOST = 1000;
/** Characters of all configurations that are kept; one has a million at most. */
const MAX_CHARACTERS = 16 * 2 ** 20;
const NO_CONFIG: LabelConfig = { controls: [], images: [] };

export interface Connections {
  /** Whether token or labels are others than before. @throws URL_REFUSED for an address where none is configured */
  setUp(setup: MlSetup): { connection: Connection; changed: boolean };
  /** With what is known from before. */
  ofEvent(project: EventProject): Connection;
  /** labelConfig: '' = as known. */
  ofKey(key: string, labelConfig: string): Connection;
  all(): readonly Connection[];
}

/** @throws CONFIG_INVALID for a token without the address it is for */
export function createConnections({
  name = 'label-studio',
  hostname,
  token,
}: Pick<LabelStudioOptions, 'name' | 'hostname' | 'token'>): Connections {
  if (token !== undefined && hostname === undefined) {
    throw new ProsamError(
      'CONFIG_INVALID',
      'Expected the address of Label Studio with its token, got the token alone. Without it the token would go wherever a request says.',
    );
  }
  const known = createLruMap<string, Connection>({ max: MAX_CHARACTERS, sizeOf: ({ labelConfig }) => sizeOf(labelConfig) });
  const keep = (key: string, changes: Partial<Connection>): Connection => {
    const before: Connection = known.peek(key) ?? {
      ...{ key, projectId: Number.parseInt(key, 10), project: projectName(name, key), labelConfig: '', extraParams: {} },
      hostname: trimmed(hostname ?? ''),
      ...(token !== undefined && { token }),
    };
    const connection = { ...before, ...changes };
    known.set(key, connection);
    return connection;
  };
  return {
    setUp({ project, schema, hostname: told, access_token, extra_params }) {
      const before = known.peek(project);
      const given = objectOf(extra_params);
      if (hostname === undefined) refuseAddress(typeof given.hostname === 'string' ? given.hostname : told);
      const { instances, threshold } = given;
      const connection = keep(project, {
        labelConfig: schema,
        // Whatever else somebody typed there means nothing here.
        extraParams: { instances, threshold },
        ...(token === undefined && typeof access_token === 'string' && access_token !== '' && { token: access_token }),
      });
      const same = (['token', 'labelConfig'] as const).every((field) => before?.[field] === connection[field]);
      return { connection, changed: before === undefined || !same };
    },
    ofEvent: ({ key, labelConfig }) => keep(key, labelConfig === undefined ? {} : { labelConfig }),
    ofKey: (key, labelConfig) => keep(key, labelConfig === '' ? {} : { labelConfig }),
    all: () => known.values(),
  };
}

/** Small ones count as large enough that there are at most MOST of them. */
function sizeOf(labelConfig: string): number {
  return Math.max(Math.floor(MAX_CHARACTERS / MOST), labelConfig.length);
}

/** Name of a project in the service. */
export function projectName(name: string, key: string): string {
  return `${name}/${key}`;
}

/** Empty for a configuration that cannot be read: nothing is predicted for it then. Parsed once while it stays the same. */
export const configOf = (() => {
  const parsed = createLruMap<string, LabelConfig>({ max: MAX_CHARACTERS, sizeOf: (_config, text) => sizeOf(text) });
  return ({ labelConfig }: Pick<Connection, 'labelConfig'>): LabelConfig => {
    const known = parsed.get(labelConfig);
    if (known !== undefined) return known;
    let config = NO_CONFIG;
    try {
      if (labelConfig !== '') config = parseLabelConfig(labelConfig);
    } catch {
      // Label Studio refuses such configurations itself; /predict answers with the reason.
    }
    parsed.set(labelConfig, config);
    return config;
  };
})();

/**
 * Refuses a request that names another address: a write token of one project must not choose what this service connects to, or who
 * sees its credentials. Only the configured address is called.
 */
function refuseAddress(named: string): void {
  if (named.trim() === '') return;
  const url = URL.parse(named);
  throw new ProsamError(
    'URL_REFUSED',
    `hostname: expected the Label Studio this service is configured with, which is none, got ${url ? shownAddress(url) : 'text that is no address'}. ` +
      'Set PROSAM_LABEL_STUDIO_URL (labelStudio.url) to its address as seen from here, then connect once more.',
  );
}

function trimmed(address: string): string {
  return address.replace(/\/+$/, '');
}

/** The field holds JSON that somebody typed. */
function objectOf(value: unknown): Readonly<Record<string, unknown>> {
  let parsed = value;
  if (typeof value === 'string') {
    try {
      parsed = JSON.parse(value);
    } catch {
      return {};
    }
  }
  return typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed) ? { ...parsed } : {};
}
