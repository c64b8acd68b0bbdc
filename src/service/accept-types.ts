/** Accepted annotations as adapters hand them in, and what comes of them. */
import type { Annotation } from '../core/mask/annotation.ts';
import type { AcceptOutcome, AnnotationKey, Provenance } from './ports/storage.ts';

/** Bytes of an image file, or the sha256 of one the project has seen. */
export type ServiceImage = Uint8Array | { sha256: string };

/** The mask of one label while it is drawn. */
export interface AnnotationCanvas {
  /** Pixels of the upright image. */
  readonly width: number;
  readonly height: number;
  /** Aborts when nobody waits for the mask any more. */
  readonly signal: AbortSignal | undefined;
  /** Marks pixels; those that are set stay. @throws ANNOTATION_*, MASK_*, REQUEST_TOO_LARGE once it is too much for one annotation */
  readonly paint: (annotation: Annotation) => Promise<void>;
}

/**
 * An annotation that is read when its turn comes, so that many large masks are not in memory together. One that paints nothing
 * counts for nothing.
 */
export type DeferredAnnotation = (canvas: AnnotationCanvas) => Promise<void>;

/** One annotation of a label: at hand, or painted when its turn comes. */
export type AcceptedAnnotation = { label: string } & (Annotation | { draw: DeferredAnnotation });

export interface AcceptRequest extends AnnotationKey {
  revision: number;
  image: ServiceImage;
  imageExternalId?: string;
  provenance: Provenance;
  /** Annotations of one label are joined; boxes, points and scribbles are grown by SAM. None with 'absent', 'rejected' and 'skipped'. */
  masks: readonly AcceptedAnnotation[];
  /**
   * Labels the image does not show, beside the masks or, with the provenance 'absent', alone. @default every label the project has masks of
   * with 'absent', none otherwise
   */
  absent?: readonly string[];
  flagged?: boolean;
  annotator?: string;
  /** `version` of the prediction it goes back to. */
  predictionVersion?: string;
}

export interface Accepted {
  outcome: AcceptOutcome;
  image: { sha256: string; width: number; height: number };
  masks: { label: string; area: number }[];
  /** Labels the image is known not to show; absent where nothing is said. */
  absent?: string[];
  /** Facts about the image and the annotations that the caller should know; absent where there are none. */
  notices?: string[];
}
