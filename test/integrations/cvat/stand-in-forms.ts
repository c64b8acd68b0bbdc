/** Tasks, jobs, labels and frames in the forms that CVAT answers with. */
import { zipOf } from './stand-in-zip.ts';

export interface StandInShape {
  id: number;
  type: string;
  frame: number;
  label_id: number;
  points: number[];
  source: string;
  rotation: number;
  [key: string]: unknown;
}
export interface StandInFrame {
  name: string;
  width: number;
  height: number;
  bytes: Uint8Array;
}
export interface Job {
  id: number;
  task_id: number;
  project_id: number | null;
  type: string;
  start_frame: number;
  stop_frame: number;
  state: string;
  stage: string;
  updated_date: string;
  parent_job_id?: number;
  media_type?: string;
  shapes: StandInShape[];
  tracks: unknown[];
}
export interface Task {
  id: number;
  name: string;
  project_id: number | null;
  frames: StandInFrame[];
  labels: { id: number; name: string; type: string; attributes?: object[] }[];
  deleted: number[];
  video: boolean;
  jobs: Job[];
}
export interface Webhook {
  id: number;
  target_url: string;
  secret: string;
  project_id: number | null;
  events: string[];
  is_active: boolean;
  type: string;
}
export const jobJson = (
  url: string,
  { id, task_id, project_id, type, start_frame, stop_frame, state, stage, updated_date, parent_job_id, media_type = 'image' }: Job,
) => {
  const job = { id, task_id, project_id, type, start_frame, stop_frame, state, stage, updated_date, media_type };
  const facts = { dimension: '2d', mode: 'annotation', status: job.stage, frame_count: job.stop_frame - job.start_frame + 1 };
  const chunks = {
    data_chunk_size: 72,
    data_compressed_chunk_type: 'imageset',
    data_original_chunk_type: 'imageset',
    organization: null,
  };
  const links = {
    url: `${url}/api/jobs/${job.id}`,
    assignee: null,
    guide_id: null,
    bug_tracker: '',
    issues: { url: '', count: 0 },
    labels: { url: '' },
  };
  return {
    ...job,
    ...facts,
    ...chunks,
    ...links,
    created_date: job.updated_date,
    target_storage: null,
    source_storage: null,
    parent_job_id: parent_job_id ?? null,
  };
};
export const taskJson = (url: string, { id, name, project_id, video, frames, jobs }: Task) => {
  const data = {
    data: id,
    size: frames.length,
    mode: video ? 'interpolation' : 'annotation',
    dimension: '2d',
    data_chunk_size: 72,
    image_quality: 70,
  };
  const chunks = {
    data_compressed_chunk_type: 'imageset',
    data_original_chunk_type: 'imageset',
    segment_size: frames.length,
    overlap: 0,
  };
  const links = {
    url: `${url}/api/tasks/${id}`,
    jobs: { count: jobs.length, completed: 0, validation: 0, url: '' },
    labels: { url: '' },
  };
  const rest = { status: 'annotation', subset: '', owner: null, assignee: null, organization: null, bug_tracker: '', guide_id: null };
  return {
    id,
    name,
    project_id,
    ...data,
    ...chunks,
    ...links,
    ...rest,
    target_storage: null,
    source_storage: null,
    created_date: '2026-01-01T00:00:00Z',
    updated_date: '2026-01-01T00:00:00Z',
  };
};
export const labelJson = ({ id, name, type, attributes = [] }: Task['labels'][number]) => ({
  id,
  name,
  type,
  color: '#6080c0',
  attributes,
  sublabels: [],
  parent_id: null,
  has_parent: false,
});
export const metaJson = ({ frames, video, deleted }: Task) => ({
  ...{
    chunk_size: 72,
    size: frames.length,
    image_quality: 70,
    start_frame: 0,
    stop_frame: frames.length - 1,
    frame_filter: '',
    deleted_frames: deleted,
  },
  frames: (video ? frames.slice(0, 1) : frames).map(({ name, width, height }) => ({
    name,
    width,
    height,
    related_files: 0,
    has_related_context: false,
  })),
  ...{ included_frames: null, chapters: null, chunks_updated_date: '2026-01-01T00:00:00Z', storage: 'local', cloud_storage_id: null },
});

export function pageOf(items: readonly unknown[], query: URLSearchParams, most: number) {
  const [number, size] = [Number(query.get('page') ?? 1), Math.min(most, Number(query.get('page_size') ?? 10))];
  const more = items.length > number * size;
  const results = items.slice((number - 1) * size, number * size);
  // Such an address is one that only CVAT itself knows.
  return { count: items.length, next: more ? `http://cvat-server:8080/api?page=${number + 1}` : null, previous: null, results };
}

export function frameData(frames: readonly StandInFrame[], query: URLSearchParams) {
  if (query.get('type') === 'chunk') return { bytes: zipOf(frames.map(({ name, bytes }) => ({ name, bytes }))), type: 'application/zip' };
  const number = Number(query.get('number'));
  const frame = frames[number];
  return frame
    ? { bytes: frame.bytes, type: 'image/png' }
    : { status: 400, json: `Invalid frame '${number}'. The frame number should be in the [0, ${frames.length}] range` };
}
