/** Configuration: Label Studio. */

/** Section `labelStudio`. */
export interface LabelStudioConfig {
  /** Answers Label Studio at `/label-studio`. @default true */
  enabled?: boolean;
  /** Answers at `/` as well, for connections made with an address without a path. @default false */
  mountAtRoot?: boolean;
  /** Address of Label Studio as seen from here; the only one that is called and shown credentials. @default none: none can connect */
  url?: string;
  /** Personal access token or legacy token of one of its users; goes to `url` alone. @default none: the one it sends when it connects */
  token?: string;
  /** Address at which Label Studio reaches this service, such as http://prosam:9090/label-studio. @default none: webhooks are not repaired */
  backendUrl?: string;
  /** First part of the names of its projects, and source of its annotations. @default 'label-studio' */
  name?: string;
  /** Minutes between two reconciliations, as webhooks may get lost; 0: only at connecting and before training. @default 5 */
  reconcileMinutes?: number;
  /** Time after which a batch is answered with what is ready and the rest is pushed, in milliseconds. @default 80_000 */
  softDeadlineMs?: number;
  /** Leaves predictions of earlier versions that no annotation was begun from; they go once their task has a newer one. @default false */
  keepOutdated?: boolean;
  /** One region for each separate object of a mask, instead of one for each label. @default false */
  instances?: boolean;
  /** Least probability of a concept for its regions to be answered, 0 to 1; 0 answers every mask. @default none: 0.4 with `small`, 0 with other models */
  threshold?: number;
  /** Smallest region of a mask that stays: pixels, or below 1 a share of the image. @default none: the engine's */
  minArea?: number;
  /** Largest hole that is filled, in the same units; true fills every hole. @default none: the engine's */
  fillHoles?: boolean | number;
  /** Only the largest region of a mask stays. @default none: all that are large enough */
  largestOnly?: boolean;
  /** Pixels that polygons may deviate from their mask, 0 to 100. @default none: 1, or a thousandth of the longer side */
  tolerance?: number;
}
