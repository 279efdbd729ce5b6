alter table projects add column uses_blocking boolean not null default false;
alter table projects drop constraint projects_result_type_check;
alter table projects add constraint projects_result_type_check
    check (result_type in ('groups', 'similarity_scores', 'permutations'));

-- A "reference" is a request body that says in which object stores the data lies.
alter table uploads drop constraint uploads_format_check;
alter table uploads add constraint uploads_format_check check (format in ('binary', 'json', 'reference'));
-- The second object of an upload whose blocks come in a file of their own, in the same bucket.
alter table uploads add column blocks_key text;
alter table uploads add column blocks_size_bytes bigint check (blocks_size_bytes > 0);

alter table runs add column deleted_at timestamp;
alter table runs add column purge_attempt integer not null default 1;
alter table runs add column time_permuted timestamp;
-- What its functions have used so far: memory times time, and how often they were called.
alter table runs add column gb_seconds double precision not null default 0 check (gb_seconds >= 0);
alter table runs add column requests bigint not null default 0 check (requests >= 0);

alter table deletions drop constraint deletions_kind_check;
alter table deletions add constraint deletions_kind_check check (kind in ('project', 'run'));
