-- What the faces keep: keys of the API, what readers think of answers, jobs of uploading, and originals to draw pages of.

-- A key acts as one user. Its secret has 256 random bits, so its SHA-256 can be kept: there is nothing to guess.
create table api_keys (
    id uuid primary key,
    tenant_id bigint not null references tenants,
    hash bytea not null,
    name text not null,
    user_name text not null,
    groups text[] not null,
    scopes text[] not null,
    created_by text not null,
    created_at timestamptz not null default now(),
    last_used_at timestamptz,
    revoked_at timestamptz
);
create index api_keys_by_tenant on api_keys (tenant_id, created_at);

-- Whoever made a key and whoever it acts as may see it and revoke it. Only who may write makes one, in their own name.
alter table api_keys enable row level security;
create policy readable on api_keys for select using
    (tenant_id = (select current_tenant()) and (select current_user_name()) in (user_name, created_by));
create policy insertable on api_keys for insert with check
    (tenant_id = (select current_tenant()) and created_by = (select current_user_name()) and (select may_write()));
create policy updatable on api_keys for update using
    (tenant_id = (select current_tenant()) and (select current_user_name()) in (user_name, created_by));

-- What a key is stays what it was made as: only its use and its end are noted.
create function keep_api_key() returns trigger
    language plpgsql
    as $$
begin
    if (new.id, new.tenant_id, new.hash, new.name, new.user_name, new.groups, new.scopes, new.created_by, new.created_at)
        is distinct from
       (old.id, old.tenant_id, old.hash, old.name, old.user_name, old.groups, old.scopes, old.created_by, old.created_at)
       or (old.revoked_at is not null and new.revoked_at is distinct from old.revoked_at) then
        raise exception 'an API key is not changed: make another one, and revoke this';
    end if;
    return new;
end $$;
create trigger keep_what_a_key_is before update on api_keys for each row execute function keep_api_key();

-- As the owner, because who asks is not known yet: the hash to compare a key with, and whom it acts as. Nothing for a key
-- that was revoked. `due` says that its use has not been noted for a minute.
create function api_key(key_id uuid)
    returns table (hash bytea, tenant text, user_name text, groups text[], scopes text[], due boolean)
    language sql stable security definer set search_path = public, pg_temp
    as $$
        select k.hash, t.name, k.user_name, k.groups, k.scopes,
               k.last_used_at is null or k.last_used_at < now() - interval '1 minute'
        from api_keys k join tenants t on t.id = k.tenant_id
        where k.id = key_id and k.revoked_at is null
    $$;

-- What a user thinks of an answer, by its receipt: the latest word counts.
create table feedback (
    tenant_id bigint not null references tenants,
    user_name text not null,
    receipt_id uuid not null references receipts on delete cascade,
    thumb text not null check (thumb in ('up', 'down')),
    reason text not null,
    given_at timestamptz not null default now(),
    primary key (receipt_id, tenant_id, user_name)
);
create index feedback_by_user on feedback (tenant_id, user_name, given_at);

-- Documents that are being read in for a user. Whoever works at a job says so every few seconds (`alive_at`).
create table jobs (
    id uuid primary key,
    tenant_id bigint not null references tenants,
    user_name text not null,
    collection text not null,
    state text not null default 'running' check (state in ('running', 'done', 'failed')),
    created_at timestamptz not null default now(),
    alive_at timestamptz not null default now(),
    finished_at timestamptz
);
create index jobs_by_user on jobs (tenant_id, user_name, created_at);

create table job_files (
    job_id uuid not null references jobs on delete cascade,
    number integer not null,
    name text not null,
    state text not null default 'waiting' check (state in ('waiting', 'reading', 'done', 'unchanged', 'failed')),
    reason text not null default '',
    document_id uuid,
    primary key (job_id, number)
);

do $$
declare t text;
begin
    foreach t in array array['feedback', 'jobs'] loop
        execute format('alter table %I enable row level security', t);
        execute format(
            'create policy own on %I
             using (tenant_id = (select current_tenant()) and user_name = (select current_user_name()))', t);
    end loop;
end $$;
alter table job_files enable row level security;
create policy own on job_files using (exists (select from jobs j where j.id = job_id));

-- The bytes that a version was read from, kept where a face draws its pages. They are there for whoever may see the
-- document, under whatever access list it is, and go with their version.
create table originals (
    document_id uuid not null,
    version integer not null,
    content bytea not null,
    primary key (document_id, version),
    foreign key (document_id, version) references document_versions on delete cascade
);
alter table originals alter column content set storage external;  -- PDFs are compressed already
alter table originals enable row level security;
create policy readable on originals for select using
    (exists (select from documents d where d.id = document_id));
create policy writable on originals for all using
    ((select may_write()) and exists (select from documents d where d.id = document_id));
