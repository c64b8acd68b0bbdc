/** Step 3 of the schema: labels that images do not show, and ranks of masks with room for further provenances. */

export const ABSENT_LABELS: readonly string[] = [
  `create table absences (
    id {identity}, sequence bigint not null references annotations (sequence), project {text} not null, label {text} not null,
    sha256 {text} not null, created_ms bigint not null, active smallint not null)`,
  'create index absences_of_annotation on absences (sequence)',
  'create index absences_of_label on absences (project, label, id) where active = 1',
  'create index absences_listed on absences (project, id) where active = 1',
  'create index masks_of_image on masks (project, sha256, label) where active = 1',
  `update masks set preference = case provenance
      when 'ground_truth' then 70 when 'drawn' then 60 when 'edited' then 50 when 'accepted' then 30 when 'rejected' then 10 else 0 end
    + case when flagged = 1 then 100 else 0 end`,
];
