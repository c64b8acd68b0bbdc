/** Authentication and authorization: bearer tokens, passwords, signed bodies, or anonymous callers. */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { ProsamError } from '../../core/common/errors.ts';
import { ACCESS, type Access, type Caller } from './route.ts';
import {
  checkSignatureHeader,
  createReplayMemory,
  DEFAULT_TOLERANCE_MS,
  SIGNATURE_HEADER,
  verifySignature,
  type ReplayMemory,
  type RequestLine,
} from './signature.ts';

interface Grant {
  /** Name of the caller, for logs and fair shares. For passwords also the user name. */
  name: string;
  /** @default 'write' */
  access?: Exclude<Access, 'open'>;
  /** Only these projects. @default all */
  projects?: readonly string[];
}

export interface GuardOptions {
  /** At least 16 characters each. */
  tokens?: readonly (Grant & { token: string })[];
  /** At least 8 characters each. */
  basic?: readonly (Grant & { password: string })[];
  /** Secrets of signed bodies, at least 16 characters each. */
  hmac?: readonly (Grant & {
    secret: string;
    /** Lets v1 signatures, which cover the body alone, change things too. @default false: they only read */
    bodyOnly?: boolean;
  })[];
  /** Access of callers without credentials. @default nothing */
  anonymous?: Exclude<Access, 'open'>;
  /** Tolerated clock skew of a signer. @default 300,000 */
  toleranceMs?: number;
  /** Memory of used signatures. @default this process's own */
  replays?: ReplayMemory;
  /** Milliseconds since 1970. @default Date.now */
  nowMs?: () => number;
}

export type GuardKind = 'bearer' | 'basic' | 'signature';

/** A signature that may be good: only the body it belongs to can tell. */
export interface SignedClaim {
  /** Those whose secret it may be made with. */
  readonly candidates: readonly Caller[];
  /** The one it is made with. @throws UNAUTHORIZED where there is none */
  prove(body: Uint8Array): Promise<Caller>;
}

export interface Guard {
  /**
   * The caller, or a claim to be one that the body must prove. Looks at the head alone, so it comes before any body is read.
   * line: of the request, which signatures cover.
   * @throws UNAUTHORIZED where credentials are missing or wrong (wrong ones never count as none)
   */
  identify(headers: RequestHeaders, line: RequestLine): Caller | SignedClaim;
  readonly kinds: readonly GuardKind[];
  readonly anonymous: Access | undefined;
  /** Value of WWW-Authenticate. */
  readonly challenge: string;
}

type RequestHeaders = Readonly<Record<string, string | readonly string[] | undefined>>;

/** @throws CONFIG_INVALID for secrets that are too short or names that appear twice */
export function createGuard(options: GuardOptions): Guard {
  const { tokens = [], basic = [], hmac = [], anonymous, toleranceMs = DEFAULT_TOLERANCE_MS, nowMs = Date.now } = options;
  tokens.forEach((one) => checkSecret('token', one.name, one.token, 16));
  basic.forEach((one) => checkSecret('password', one.name, one.password, 8));
  hmac.forEach((one) => checkSecret('secret', one.name, one.secret, 16));
  checkNames(basic.map(({ name }) => name));

  const same = createComparison();
  const tokenHashes = tokens.map(({ token }) => same.hash(token));
  const passwordHashes = basic.map(({ name, password }) => same.hash(`${name}:${password}`));
  const replays = options.replays ?? createReplayMemory();
  const kinds: GuardKind[] = [];
  if (tokens.length > 0) kinds.push('bearer');
  if (basic.length > 0) kinds.push('basic');
  if (hmac.length > 0) kinds.push('signature');

  const signers = hmac.map(callerOf);
  const identify: Guard['identify'] = (headers, line) => {
    const authorization = single(headers.authorization);
    const signature = single(headers[SIGNATURE_HEADER]);
    if (authorization !== undefined) {
      const [, scheme = '', value = ''] = /^(\S{1,20}) +(\S{1,4096})$/.exec(authorization) ?? [];
      if (scheme.toLowerCase() === 'bearer') return found(tokens[same.find(value, tokenHashes)], 'token');
      if (scheme.toLowerCase() === 'basic') {
        return found(basic[same.find(Buffer.from(value, 'base64').toString('utf8'), passwordHashes)], 'user name or password');
      }
      throw new ProsamError(
        'UNAUTHORIZED',
        `Expected Authorization: ${kinds.join(' or ') || 'nothing'}, got another scheme or a malformed header.`,
      );
    }
    if (signature !== undefined && hmac.length > 0) {
      const { version } = checkSignatureHeader(signature, { nowMs: nowMs(), toleranceMs, replays, line });
      const changesByV1 = version === 'v1' && line.method !== 'GET' && line.method !== 'HEAD';
      if (changesByV1 && !hmac.some(({ bodyOnly }) => bodyOnly)) throw needsV2(line);
      return {
        candidates: signers,
        async prove(body) {
          const secrets = hmac.map(({ secret }) => secret);
          const grant = hmac[await verifySignature(secrets, signature, body, { nowMs: nowMs(), toleranceMs, replays, line })];
          if (changesByV1 && grant?.bodyOnly !== true) throw needsV2(line);
          return found(grant, 'signature');
        },
      };
    }
    if (anonymous !== undefined) return { name: 'anonymous', access: anonymous, anonymous: true };
    throw new ProsamError(
      'UNAUTHORIZED',
      `Expected credentials (${kinds.join(', ') || 'none are configured'}), got none. Send an Authorization header.`,
    );
  };
  const challenge = [...(basic.length > 0 ? ['Basic realm="prosam", charset="UTF-8"'] : []), 'Bearer realm="prosam"'].join(', ');
  return { identify, kinds, anonymous, challenge };
}

/** Whether someone with `access` may do what asks for `wanted`. */
export function allows(access: Access, wanted: Access): boolean {
  return ACCESS.indexOf(access) >= ACCESS.indexOf(wanted);
}

/** @throws FORBIDDEN where the caller is held to other projects */
export function mayUse(caller: Caller, project: string): void {
  if (caller.projects === undefined || caller.projects.includes(project)) return;
  throw new ProsamError('FORBIDDEN', `${caller.name} may not use this project. Ask for a token that may.`);
}

/** Whether a caller may see a project; undefined for those who may see all. */
export function visibleTo({ projects }: Caller): ((project: string) => boolean) | undefined {
  return projects && ((project) => projects.includes(project));
}

/** Hashes of one length under a key of this process: comparing them takes the same time wherever they differ. */
function createComparison(): { hash: (text: string) => Buffer; find: (text: string, known: readonly Buffer[]) => number } {
  const key = randomBytes(32);
  const hash = (text: string): Buffer => createHmac('sha256', key).update(text).digest();
  return {
    hash,
    find: (text, known) => {
      const given = hash(text);
      let index = -1;
      // To the end even after a match.
      for (const [at, one] of known.entries()) if (timingSafeEqual(given, one)) index = at;
      return index;
    },
  };
}

function found(grant: Grant | undefined, what: string): Caller {
  if (grant === undefined)
    throw new ProsamError('UNAUTHORIZED', `The ${what} is not known here. Check it, and that it belongs to this service.`);
  return callerOf(grant);
}

function callerOf({ name, access = 'write', projects }: Grant): Caller {
  return { name, access, ...(projects === undefined ? {} : { projects }) };
}

function needsV2({ method }: RequestLine): ProsamError {
  return new ProsamError(
    'UNAUTHORIZED',
    `A v1 signature covers the body alone and cannot ${method}: sign method and path too (v2), or set bodyOnly for this secret in auth.hmac.`,
  );
}

function single(value: string | readonly string[] | undefined): string | undefined {
  return typeof value === 'string' ? value : value?.[0];
}

function checkSecret(what: string, name: string, secret: string, least: number): void {
  if (name === '' || name.includes(':')) {
    throw new ProsamError('CONFIG_INVALID', `A ${what}'s name: expected text without a colon, got ${JSON.stringify(name)}.`);
  }
  if (secret.length >= least) return;
  throw new ProsamError(
    'CONFIG_INVALID',
    `The ${what} of ${name}: expected at least ${least} characters, got ${secret.length}. Make a longer one, at random.`,
  );
}

function checkNames(names: readonly string[]): void {
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw new ProsamError('CONFIG_INVALID', `Expected user names that differ, got ${twice} twice.`);
}
