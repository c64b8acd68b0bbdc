/** Responses about what is stored: annotations, projects, runs, versions, deliveries and the status. Times are milliseconds since 1970. */
import type { Provenance } from '../../service/ports/provenance.ts';
import type { ImageFacts } from './predictions.ts';

/** Receipt of an annotation. */
export interface AcceptResponse {
  /** 'stored': new, and counts; 'duplicate': stored before; 'outdated': stored, but a newer revision or a deletion counts. */
  outcome: 'stored' | 'duplicate' | 'outdated';
  /** Annotated image. */
  image: ImageFacts;
  /** One mask a label, as stored. */
  masks: {
    /** Name of the concept. */
    label: string;
    /** Pixels in the mask. */
    area: number;
  }[];
  /** Labels the image is known not to show; absent where nothing is said. */
  absent?: string[];
  /** Facts about images and annotations that the caller should know; absent where there are none. */
  notices?: string[];
}

/** A page of a project's active annotations, newest first. */
export interface AnnotationsResponse {
  /** Annotations of this page. */
  annotations: {
    /** Project that holds it. */
    project: string;
    /** Tool or installation it comes from. */
    source: string;
    /** The tool's own name of it. */
    externalId: string;
    /** Newest revision. */
    revision: number;
    /** Hash of the annotated image. */
    sha256: string;
    /** Origin of the masks. */
    provenance: Provenance;
    /** Preferred as a reference. */
    flagged: boolean;
    /** One mask a label. */
    labels: {
      /** Name of the concept. */
      label: string;
      /** Pixels in the mask. */
      area: number;
    }[];
    /** Labels the image does not show; absent where nothing is said. */
    absent?: string[];
    /** Name of the person, where the tool told it. */
    annotator?: string;
    /** Time it was stored. */
    createdMs: number;
    /** Grows with every stored annotation. */
    sequence: number;
  }[];
  /** `before` of the next page; absent on the last one. */
  next?: number;
}

/** Record of what was erased with an image. */
export interface ErasedResponse {
  /** False where the project knew nothing of it. */
  erased: boolean;
  /** Annotations in all their revisions. */
  annotations: number;
  /** Stored predictions. */
  predictions: number;
  /** Results of jobs and callbacks that named it. */
  results: number;
  /** Ids of versions that may have learned from it, newest first: weights are not taken back. */
  versions: string[];
}

/** State of a project. */
export interface ProjectResponse {
  /** Name of the project. */
  project: string;
  /** Version string that the next prediction will carry. */
  version: string;
  /** Live prompt encoder: the id of a version, or 'base', the model's own. */
  encoderVersion: string;
  /** Images seen. */
  images: number;
  /** Images with an annotation. */
  annotated: number;
  /** Active masks. */
  masks: number;
  /** Labels with active masks. */
  concepts: {
    /** Name of the concept. */
    label: string;
    /** Active masks of it. */
    masks: number;
    /** Images used as references, best first. */
    references: {
      /** Hash of the image. */
      sha256: string;
      /** Origin of the mask. */
      provenance: Provenance;
      /** Preferred as a reference. */
      flagged: boolean;
    }[];
    /** Numbers that the learner has fitted to it, if it has. */
    fit?: {
      /** Images with an accepted mask that they were fitted to. */
      images: number;
      /** Mean IoU of those images, each left out and predicted from the others, without such numbers, 0 to 1. */
      plain: number;
      /** The same with them. */
      learned: number;
      /** Whether predictions use them: left-out images were predicted better. */
      used: boolean;
    };
  }[];
  /** Newest training run, if any. */
  run?: Run;
  /** Reason why the next run does not start, for people to read; absent when one runs or is due. */
  waitingFor?: string;
  /** Quality over the masks that people have accepted, by label; empty where nothing was measured yet. */
  curve: {
    /** Name of the concept. */
    label: string;
    /** One for each gate, oldest first. */
    points: {
      /** Masks of the label when the run began. */
      accepted: number;
      /** IoU on held-out images of what answers since, 0 to 1. */
      iou: number;
      /** Id of the version that was tested. */
      encoderVersion: string;
    }[];
  }[];
}

/** Images to label next, those first that are expected to teach most. */
export interface NextImagesResponse {
  /** Images of this page. */
  images: (ImageFacts & {
    /** The tool's own name of the image. */
    externalId?: string;
    /** Largest uncertainty of its masks, 0 to 1; absent where nothing was predicted yet. */
    uncertainty?: number;
    /** Probability that it shows a label at all, 0 to 1, the largest over its labels. */
    presence?: number;
    /** Time it was first seen. */
    createdMs: number;
  })[];
  /** `offset` of the next page; absent on the last one. */
  next?: number;
}

/** A training run. */
export interface Run {
  /** Id of the run. */
  id: string;
  /** Project it trains for. */
  project: string;
  /** 'promoted' and 'rejected' are the gate's decision on its version. */
  state: 'running' | 'promoted' | 'rejected' | 'failed';
  /** Largest `sequence` of the annotations it learned from. */
  upTo: number;
  /** Time it was started. */
  startedMs: number;
  /** Time it ended, once ended. */
  endedMs?: number;
  /** Times a learner took it up. */
  attempts: number;
  /** Phase, step and loss as the learner told them last. */
  progress?: unknown;
  /** Reason of the state, for people to read. */
  reason?: string;
  /** Id of the version it led to. */
  encoderVersion?: string;
}

/** A trained prompt encoder. */
export interface Version {
  /** Id, the `encoderVersion` of requests and responses. */
  id: string;
  /** Project it was trained for. */
  project: string;
  /** Counts up within the project, from 1. */
  number: number;
  /** Version it was trained from; absent: the model's own prompt encoder. */
  parent?: string;
  /** Id of the run that trained it. */
  runId: string;
  /** Hash of its safetensors file. */
  weights: string;
  /** Name and content hash of the frozen model it belongs to. */
  baseModel: string;
  /** Fingerprint of the masks it learned from. */
  data: string;
  /** Seed of the training. */
  seed: number;
  /** Release of prosam that trained it. */
  code: string;
  /** Time it was stored. */
  createdMs: number;
  /** Decision of the gate. */
  outcome: 'promoted' | 'rejected';
  /** Reason of the decision, for people to read. */
  reason: string;
  /** Figures of the gate and of training. */
  metrics: unknown;
}

/** Receipt of a promotion or rollback. */
export interface Promoted {
  /** Name of the project. */
  project: string;
  /** Prompt encoder that is live now: the id of a version, or 'base', the model's own. */
  encoderVersion: string;
}

/** A callback that the service sends, sent or gave up. */
export interface Delivery {
  /** Id, also in the header X-Prosam-Delivery. */
  id: string;
  /** Project of the job. */
  project: string;
  /** Address it goes to. */
  url: string;
  /** 'dead': given up after the configured tries. */
  state: 'waiting' | 'delivered' | 'dead';
  /** Tries so far. */
  attempts: number;
  /** Time it was to be sent first. */
  createdMs: number;
  /** Reason why the last try failed. */
  lastError?: string;
}

/** State of the service. */
export interface StatusResponse {
  /** Ready to answer. */
  ready: boolean;
  /** Parts that do not work or take nothing now; what does not need them is answered. */
  failing: ('database' | 'objects' | 'engine')[];
  /** Reasons why not, or parts that do not work. */
  problems: string[];
  /** Name and content hash of the frozen model. */
  baseModel: string;
  /** Device that computes. */
  device: string;
  /** Time the service started. */
  startedMs: number;
  /** Requests in front of the engine. */
  engineQueue: {
    /** Requests computing. */
    running: number;
    /** Requests waiting. */
    waiting: number;
    /** Most that may wait. */
    limit: number;
  };
  /** Messages waiting or being handled, by name. */
  messages: Record<string, number>;
  /** Live prompt encoders. */
  serving: {
    /** Name of the project. */
    project: string;
    /** Id of a version, or 'base', the model's own. */
    encoderVersion: string;
    /** Time it went live in this process. */
    since: number;
  }[];
  /** 'managed': a child process of the service trains; 'external': `prosam learn` does; 'off': nobody. */
  learner: 'managed' | 'external' | 'off';
  /** Activity of the learner in each of the projects served here, or what it waits for. */
  learning: {
    /** Name of the project. */
    project: string;
    /** Such as "3 of 8 new masks; next look in 4 min; quiet hours until 06:00". */
    line: string;
  }[];
}
