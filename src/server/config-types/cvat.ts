/** Configuration: CVAT. */

/** Ports on which CVAT calls functions directly. */
export interface FunctionPortsConfig {
  /** First port. @default 18_070 */
  first?: number;
  /** Number of ports. @default 100 */
  count?: number;
}

/** Webhooks of CVAT. */
export interface CvatWebhookConfig {
  /** Secret they are signed with, 8 to 64 characters. @default none: webhooks are refused */
  secret?: string;
}

/** Section `cvat`. */
export interface CvatConfig {
  /** Answers CVAT at `/cvat`. @default true */
  enabled?: boolean;
  /** Answers at `/` as well, so that the service's own port can stand for Nuclio's (CVAT_NUCLIO_PORT). @default false */
  mountAtRoot?: boolean;
  /** Port that stands for Nuclio's dashboard, 8070 in CVAT by default; CVAT sends no credentials to it. @default none: not opened */
  port?: number;
  /** Address that this port and those of functions listen on. @default none: the service's own */
  host?: string;
  /** Addresses or networks that may call these ports, such as 172.16.0.0/12; needed unless they listen on 127.0.0.1. @default [] */
  allowFrom?: readonly string[];
  /** Ports of functions that CVAT calls directly. @default { first: 18_070, count: 100 } */
  functionPorts?: FunctionPortsConfig;
  /** File that keeps the port of each function; '' for none. @default 'prosam/cvat-ports.json' */
  portsFile?: string;
  /** Address of CVAT as seen from here, needed with `token` for prefetching and learning. @default none: neither */
  url?: string;
  /** Personal access token or key of one of its users; goes to `url` alone. @default none: neither prefetching nor learning */
  token?: string;
  /** Short name of an organization. @default none: the user's own space */
  organization?: string;
  /** First part of the names of its projects, and source of its annotations. @default 'cvat' */
  name?: string;
  /** Project whose references help clicks in frames of unknown tasks. @default none: the only project with references */
  project?: string;
  /** Webhooks of CVAT. @default {} */
  webhook?: CvatWebhookConfig;
  /** Minutes between two looks at its jobs; 0: webhooks alone. @default 1 */
  pollMinutes?: number;
  /** Computes the image features of a job's frames once somebody begins to work on it. @default true */
  prefetch?: boolean;
  /** One shape for each separate object of a mask, instead of one for each label. @default false */
  instances?: boolean;
  /** Gives the shapes that detectors answer the attribute values that the references have in CVAT; needs `url` and `token`. @default false */
  attributes?: boolean;
  /** Smallest part of a mask that gets a shape of its own, as a share of the largest, 0 to 1; 0 keeps all. @default 0.05 */
  leastPart?: number;
  /** Least probability of a concept for its mask to be answered where CVAT names none, 0 to 1; 0 answers every mask. @default none: 0.4 with `small`, 0 with other models */
  threshold?: number;
  /** Smallest region of a mask that stays: pixels, or below 1 a share of the image. @default none: the engine's */
  minArea?: number;
  /** Largest hole that is filled, in the same units; true fills every hole. @default none: the engine's */
  fillHoles?: boolean | number;
  /** Only the largest region of a mask stays. @default none: all that are large enough */
  largestOnly?: boolean;
  /** Pixels that polygons may deviate from their mask, 0 to 100. @default 1 */
  tolerance?: number;
  /** Folder for copies of uploaded predictions, which finished jobs are compared with, and the record of answers that `prosam cvat undo` reads. @default 'prosam/cvat-uploads' */
  uploads?: string;
}
