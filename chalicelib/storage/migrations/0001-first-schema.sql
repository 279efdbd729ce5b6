-- Times are naive UTC. States and their order are held by constraints, so that no caller can
-- write another; who wins a race is decided by the WHERE of an UPDATE.

create function utc_now() returns timestamp language sql stable as
$$ select statement_timestamp() at time zone 'utc' $$;

create table projects (
    project_id text primary key check (project_id ~ '^[0-9a-f]{48}$'),
    time_added timestamp not null default utc_now(),
    deleted_at timestamp,
    purge_attempt integer not null default 1,
    name text not null,
    notes text not null,
    schema jsonb not null,
    result_type text not null check (result_type in ('groups', 'similarity_scores')),
    number_parties integer not null check (number_parties >= 2),
    -- Fixed by the linkage schema, else by the first upload.
    encoding_size_bytes integer check (encoding_size_bytes > 0),
    result_token_hash bytea not null check (length(result_token_hash) = 32),
    check (number_parties = 2 or result_type = 'groups')
);

create table data_providers (
    dp_id text primary key check (dp_id ~ '^[0-9a-f]{48}$'),
    project_id text not null references projects on delete cascade,
    dataset_index integer not null check (dataset_index >= 0),
    update_token_hash bytea not null unique check (length(update_token_hash) = 32),
    receipt_token_hash bytea unique check (length(receipt_token_hash) = 32),
    upload_state text not null default 'not_started'
        check (upload_state in ('not_started', 'in_progress', 'done', 'error')),
    upload_id text,  -- the upload that holds, or last held, this provider's lock
    encodings_count integer check (encodings_count >= 0),
    error text,
    unique (project_id, dataset_index),
    check (upload_state <> 'done' or (upload_id is not null and encodings_count is not null)),
    check (upload_state <> 'error' or error is not null)
);

create table uploads (
    upload_id text primary key check (upload_id ~ '^[0-9a-f]{48}$'),
    dp_id text not null references data_providers on delete cascade,
    project_id text not null references projects on delete cascade,
    state text not null default 'pending' check (state in ('pending', 'ingesting', 'ready', 'error')),
    time_added timestamp not null default utc_now(),
    expires_at timestamp not null,
    format text not null check (format in ('binary', 'json')),
    bucket text not null,
    object_key text not null,
    size_bytes bigint not null check (size_bytes >= 0),
    -- What the client declared; null where only the data can tell.
    encodings_count integer check (encodings_count > 0),
    encoding_size_bytes integer check (encoding_size_bytes > 0),
    multipart_id text,
    part_size_bytes bigint check (part_size_bytes > 0),
    attempt integer not null default 1,
    message text
);
create index uploads_of_project on uploads (project_id);
create index uploads_unfinished on uploads (state) where state = 'ingesting';

create table runs (
    run_id text primary key check (run_id ~ '^[0-9a-f]{48}$'),
    project_id text not null references projects on delete cascade,
    time_added timestamp not null default utc_now(),
    name text not null,
    notes text not null,
    threshold double precision not null check (threshold > 0 and threshold <= 1),
    state text not null default 'created'
        check (state in ('created', 'queued', 'running', 'completed', 'error')),
    attempt integer not null default 1,
    time_queued timestamp,
    time_started timestamp,
    time_compared timestamp,
    time_merged timestamp,
    time_solved timestamp,
    time_completed timestamp,
    total_comparisons bigint check (total_comparisons >= 0),
    candidate_pairs bigint check (candidate_pairs >= 0),
    chunks integer check (chunks >= 0),
    message text,
    check (state in ('created', 'queued', 'error') or time_started is not null),
    check (state not in ('completed', 'error') or time_completed is not null),
    check (state <> 'completed' or (total_comparisons is not null and candidate_pairs is not null)),
    check (state <> 'error' or message is not null)
);
create index runs_of_project on runs (project_id);
create index runs_unfinished on runs (state) where state in ('created', 'queued', 'running');
create index runs_completed on runs (time_completed) where state = 'completed';

-- What was deleted and how much; nothing that identifies a project remains.
create table deletions (
    deletion_id bigint generated always as identity primary key,
    kind text not null check (kind in ('project')),
    time_requested timestamp not null,
    time_finished timestamp not null default utc_now(),
    data_providers integer not null,
    runs integer not null,
    encodings bigint not null
);
