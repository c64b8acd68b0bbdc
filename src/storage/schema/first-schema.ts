/** Step 1 of the schema. Indexes hold only rows that count, so old revisions cost questions nothing. */

export const FIRST_SCHEMA: readonly string[] = [
  `create table projects (
    project {text} primary key, revision bigint not null default 0, current_version {text}, images bigint not null default 0,
    annotated bigint not null default 0)`,

  `create table images (
    project {text} not null, sha256 {text} not null, width integer not null, height integer not null, external_id {text},
    created_ms bigint not null, annotated smallint not null default 0, uncertainty double precision not null default -1, split {text},
    primary key (project, sha256))`,
  'create index images_ranked on images (project, uncertainty, sha256) where annotated = 0',

  `create table annotations (
    sequence {identity}, project {text} not null, source {text} not null, external_id {text} not null, revision bigint not null,
    sha256 {text} not null, provenance {text} not null, flagged smallint not null, annotator {text}, prediction_version {text},
    created_ms bigint not null, content {text} not null, active smallint not null,
    unique (project, source, external_id, revision))`,
  // One of them at most: two transactions that both believe theirs to be the newest cannot both be right.
  'create unique index annotations_active on annotations (project, source, external_id) where active = 1',
  'create index annotations_listed on annotations (project, sequence) where active = 1',
  'create index annotations_of_image on annotations (project, sha256) where active = 1',

  `create table tombstones (
    project {text} not null, source {text} not null, external_id {text} not null, up_to bigint not null,
    primary key (project, source, external_id))`,

  `create table masks (
    id {identity}, sequence bigint not null references annotations (sequence), project {text} not null, label {text} not null,
    sha256 {text} not null, height integer not null, width integer not null, counts {text} not null, area bigint not null,
    provenance {text} not null, flagged smallint not null, preference smallint not null, created_ms bigint not null,
    active smallint not null, feature {bytes})`,
  'create index masks_of_annotation on masks (sequence)',
  'create index masks_preferred on masks (project, label, preference, sequence) where active = 1',
  'create index masks_listed on masks (project, label, sequence) where active = 1',
  'create index masks_learned on masks (project, id) where active = 1',

  `create table concepts (
    project {text} not null, label {text} not null, masks bigint not null, newest bigint not null, primary key (project, label))`,

  `create table predictions (
    id {identity}, project {text} not null, sha256 {text} not null, version {text} not null, created_ms bigint not null,
    masks {text} not null, unique (project, sha256))`,
  'create index predictions_newest on predictions (project, id)',

  `create table versions (
    id {text} primary key, project {text} not null, number integer not null, parent {text}, run_id {text} not null,
    weights {text} not null, model {text} not null, data {text} not null, seed bigint not null, code {text} not null,
    created_ms bigint not null, outcome {text} not null, reason {text} not null, metrics {text}, unique (project, number))`,
  'create index versions_newest on versions (created_ms)',

  `create table pointer_changes (
    id {identity}, project {text} not null, from_version {text}, to_version {text}, reason {text} not null, created_ms bigint not null)`,
  'create index pointer_changes_newest on pointer_changes (project, id)',

  `create table runs (
    id {text} primary key, project {text} not null, state {text} not null, holder {text}, lease_until_ms bigint, up_to bigint not null,
    started_ms bigint not null, ended_ms bigint, attempts integer not null, progress {text}, reason {text}, version {text})`,
  `create unique index runs_running on runs (project) where state = 'running'`,
  'create index runs_newest on runs (project, started_ms)',

  `create table batches (
    id {text} primary key, project {text} not null, created_ms bigint not null, ended_ms bigint, request {text}, total integer not null,
    done integer not null default 0, failed integer not null default 0, cancelled smallint not null default 0)`,
  `create table batch_items (
    batch {text} not null references batches (id), position integer not null, input {text}, state {text} not null, result {text},
    primary key (batch, position))`,

  `create table deliveries (
    id {text} primary key, project {text} not null, url {text} not null, body {text}, state {text} not null,
    attempts integer not null default 0, created_ms bigint not null, last_error {text})`,
  'create index deliveries_newest on deliveries (created_ms)',

  `create table messages (
    id {identity}, name {text} not null, key {text}, data {text}, state {text} not null, due_ms bigint not null,
    attempts integer not null default 0, created_ms bigint not null, last_error {text})`,
  `create unique index messages_waiting on messages (name, key) where state = 'waiting'`,
  `create index messages_due on messages (name, due_ms) where state <> 'dead'`,
];
