/** Configuration: credentials of callers. */

/** Rights that a credential carries. */
export interface Grant {
  /** Name of the caller, in logs and for fair shares of the engine, 1 to 100 characters. */
  name: string;
  /** Rights: 'write' may also send annotations and request training, 'admin' may also deploy versions. @default 'write' */
  access?: 'read' | 'write' | 'admin';
  /** Projects the caller may see and use. @default none: all of them */
  projects?: readonly string[];
}

export interface TokenGrant extends Grant {
  /** Secret of `Authorization: Bearer <token>`. */
  token: string;
}

export interface BasicGrant extends Grant {
  /** Password of HTTP Basic authentication; the user is `name`. */
  password: string;
}

export interface HmacGrant extends Grant {
  /** Secret that signs requests: `X-Prosam-Signature`, HMAC-SHA256. */
  secret: string;
  /** Lets v1 signatures, which cover the body alone, change things too. @default false */
  bodyOnly?: boolean;
}

/** Section `auth`. Without any credential everybody who reaches the port is an admin, so only 127.0.0.1 may be listened on. */
export interface AuthConfig {
  /** Bearer tokens. @default [] */
  tokens?: readonly TokenGrant[];
  /** Users with passwords. @default [] */
  basic?: readonly BasicGrant[];
  /** Callers that sign their requests. @default [] */
  hmac?: readonly HmacGrant[];
}
