-- Tenants, collections, access lists, documents and their versions, chunks, postings, names and links.
-- Runs as the owner role. The application role gets its grants after every migration run (store/migrate.py).

create table tenants (
    id bigint generated always as identity primary key,
    name text not null unique,
    next_slot integer not null default 0  -- chunks are numbered densely within a tenant, for posting lists
);

-- Who asks: set for one transaction by store.session, and by nothing else.
create function current_tenant() returns bigint
    language sql stable security definer set search_path = public, pg_temp
    as $$ select id from tenants where name = current_setting('footnote.tenant', true) $$;

create function current_grantees() returns text[]
    language sql stable
    as $$ select string_to_array(current_setting('footnote.grantees', true), E'\x1f') $$;

create function current_user_name() returns text
    language sql stable
    as $$ select current_setting('footnote.user', true) $$;

create function may_write() returns boolean
    language sql stable
    as $$ select coalesce(current_setting('footnote.writer', true), '') = 'on' $$;

create table collections (
    id bigint generated always as identity primary key,
    tenant_id bigint not null references tenants,
    name text not null,
    epoch bigint not null default 0,  -- raised by every change of contents or access; caches carry it
    unique (tenant_id, name)
);

-- A set of grantees, stored once and referred to by number: rows are checked by one integer comparison.
create table access_lists (
    id bigint generated always as identity primary key,
    tenant_id bigint not null references tenants,
    fingerprint text not null,
    unique (tenant_id, fingerprint)
);

create table access_grants (
    access_list_id bigint not null references access_lists on delete cascade,
    tenant_id bigint not null references tenants,
    grantee text not null,  -- '*' (everyone of the tenant), 'user:NAME', 'group:NAME'
    primary key (access_list_id, grantee)
);
create index access_grants_by_grantee on access_grants (tenant_id, grantee);

create table documents (
    id uuid primary key,  -- from tenant, collection and source: the same file keeps its id
    tenant_id bigint not null references tenants,
    collection_id bigint not null references collections,
    access_list_id bigint not null references access_lists,
    source text not null,
    type text not null,
    title text not null,
    language text not null,
    version integer not null,
    content_hash bytea not null,
    size bigint not null,
    page_count integer not null,
    modified_at timestamptz,
    created_at timestamptz not null default now(),
    indexed_at timestamptz not null default now(),
    indexed_by text not null,  -- the parts that made the chunks; another value means: read the file again
    first_slot integer not null,
    term_counts bytea not null,  -- int32 a chunk, little-endian: BM25's document lengths, in slot order
    minhash bytea not null,  -- uint32 a permutation, little-endian (store/duplicates.py)
    duplicate_of uuid references documents on delete set null,
    duplicate_similarity real,  -- estimated share of common word sequences; 1 for the same text
    linked boolean not null default false
);
create index documents_by_tenant on documents (tenant_id);
create index documents_by_collection on documents (collection_id);
create index documents_by_original on documents (duplicate_of) where duplicate_of is not null;
create index documents_unlinked on documents (collection_id) where not linked;

create table document_tags (
    document_id uuid not null references documents on delete cascade,
    tag text not null,
    primary key (document_id, tag)
);

-- Bands of MinHash signatures: documents that share one are candidates for being near duplicates. Originals only:
-- a thousand copies of one form are found through one of them. Hashes of hashes: readable within the tenant.
create table document_bands (
    tenant_id bigint not null,
    collection_id bigint not null,
    document_id uuid not null references documents on delete cascade,
    band integer not null,
    hash bigint not null,
    primary key (collection_id, band, hash, document_id)
);
create index document_bands_by_document on document_bands (document_id);

-- Every version's text stays readable as long as its document: receipts point into it.
create table document_versions (
    document_id uuid not null references documents on delete cascade,
    version integer not null,
    content_hash bytea not null,
    title text not null,
    text text not null,
    created_at timestamptz not null default now(),
    primary key (document_id, version)
);

create table document_pages (
    document_id uuid not null,
    version integer not null,
    number integer not null,
    start_char integer not null,
    end_char integer not null,
    width real not null,
    height real not null,
    lines bytea not null,  -- six float32 a line, little-endian: start, end, left, bottom, right, top
    primary key (document_id, version, number),
    foreign key (document_id, version) references document_versions on delete cascade
);

create sequence chunk_ids as bigint;

create table chunks (
    id bigint primary key,
    tenant_id bigint not null references tenants,
    collection_id bigint not null references collections,
    access_list_id bigint not null references access_lists,
    document_id uuid not null references documents on delete cascade,
    version integer not null,
    slot integer not null,
    ordinal integer not null,
    start_char integer not null,
    end_char integer not null,
    first_page integer not null,
    last_page integer not null,
    headings text[] not null,
    sentence_bounds integer[] not null,  -- start, end, start, end …: characters of the document
    token_count integer not null,
    text text not null,
    unique (tenant_id, slot)
);
create index chunks_by_document on chunks (document_id, ordinal);

-- Posting lists in blocks: one for each term and indexing transaction, merged by store.postings.compact.
create table postings (
    tenant_id bigint not null references tenants,
    collection_id bigint not null references collections on delete cascade,
    term text not null,
    block integer not null,  -- the lowest slot in it: blocks in order hold slots in order
    slots bytea not null,    -- int32 each, little-endian, ascending
    counts bytea not null,   -- uint16 each, little-endian: how often the term occurs in the chunk
    primary key (collection_id, term, block)
);
alter table postings alter column slots set storage external;
alter table postings alter column counts set storage external;

-- What a document can be referred to by, and who refers to it.
create table names (
    collection_id bigint not null references collections on delete cascade,
    document_id uuid not null references documents on delete cascade,
    chunk_id bigint references chunks on delete cascade,  -- null: the document as a whole
    kind text not null,
    key text not null
);
create index names_by_key on names (collection_id, key);
create index names_by_document on names (document_id);
create index names_by_chunk on names (chunk_id);

-- Explicit references as written (hyperlinks, "see Section 4.2"), kept so that links can be made again.
create table mentions (
    document_id uuid not null references documents on delete cascade,
    chunk_id bigint not null references chunks on delete cascade,
    kind text not null,
    key text not null,
    target uuid  -- of a hyperlink: the id of the document it leads to, whether that is there (yet) or not
);
create index mentions_by_document on mentions (document_id);
create index mentions_by_chunk on mentions (chunk_id);
create index mentions_by_target on mentions (target) where target is not null;

create table links (
    document_id uuid not null references documents on delete cascade,
    chunk_id bigint not null references chunks on delete cascade,
    kind text not null,
    key text not null,
    to_document_id uuid not null references documents on delete cascade,
    to_chunk_id bigint references chunks on delete cascade  -- null: the document as a whole
);
create unique index links_once on links (chunk_id, kind, key, to_document_id, to_chunk_id) nulls not distinct;
create index links_by_document on links (document_id);
create index links_to_document on links (to_document_id, key);
create index links_to_chunk on links (to_chunk_id);

-- Row-level security. One rule for reading (tenant and access list), one for writing (the same, by a writer).
alter table tenants enable row level security;
create policy own on tenants using (id = (select current_tenant()));

do $$
declare t text;
begin
    foreach t in array array['collections', 'access_lists', 'access_grants', 'postings', 'document_bands'] loop
        execute format('alter table %I enable row level security', t);
        execute format('create policy readable on %I for select using (tenant_id = (select current_tenant()))', t);
        execute format(
            'create policy writable on %I for all using (tenant_id = (select current_tenant()) and (select may_write()))'
            , t);
    end loop;
    foreach t in array array['documents', 'chunks'] loop
        execute format('alter table %I enable row level security', t);
        execute format(
            'create policy readable on %I for select using (tenant_id = (select current_tenant()) and access_list_id in
             (select access_list_id from access_grants where grantee = any((select current_grantees())::text[])))', t);
        execute format(
            'create policy insertable on %I for insert with check
             (tenant_id = (select current_tenant()) and (select may_write()))', t);
        execute format('create policy updatable on %I for update using ((select may_write()))', t);
        execute format('create policy deletable on %I for delete using ((select may_write()))', t);
    end loop;
    -- What belongs to a document is visible with it: the subquery itself runs under the policy of documents.
    foreach t in array array['document_tags', 'document_versions', 'document_pages', 'names', 'mentions'] loop
        execute format('alter table %I enable row level security', t);
        execute format(
            'create policy readable on %1$I for select using
             (exists (select from documents d where d.id = %1$I.document_id))', t);
        execute format(
            'create policy writable on %1$I for all using
             ((select may_write()) and exists (select from documents d where d.id = %1$I.document_id))', t);
    end loop;
end $$;

-- A link tells what the document at its other end is called: it is visible to who may see both ends.
alter table links enable row level security;
create policy readable on links for select using
    (exists (select from documents d where d.id = document_id)
     and exists (select from documents d where d.id = to_document_id));
create policy writable on links for all using
    ((select may_write()) and exists (select from documents d where d.id = document_id)
     and exists (select from documents d where d.id = to_document_id));

-- Vectors of one embedding space (model and dimension) live in a table of their own; a space is made when it is
-- first written to. The owner makes it, whoever calls, so that the application role needs no right to create.
create table embedding_spaces (
    id integer generated always as identity primary key,
    name text not null unique,
    dimension integer not null
);

create function ensure_embedding_space(space text, dimensions integer) returns integer
    language plpgsql security definer set search_path = public, pg_temp
    as $$
declare
    space_id integer;
    stored integer;
    t text;
    caller text := session_user;
begin
    if dimensions < 1 or dimensions > 4000 then
        raise exception 'an embedding space has 1 to 4000 dimensions, not %', dimensions;
    end if;
    perform pg_advisory_xact_lock(hashtext('footnote embedding space'));
    select id, dimension into space_id, stored from embedding_spaces where name = space;
    if space_id is not null then
        if stored <> dimensions then
            raise exception 'embedding space % has % dimensions, not %', space, stored, dimensions;
        end if;
        return space_id;
    end if;
    insert into embedding_spaces (name, dimension) values (space, dimensions) returning id into space_id;
    t := 'embeddings_' || space_id;
    execute format(
        'create table %I (
            chunk_id bigint primary key references chunks on delete cascade,  -- the only lock on a table in use
            tenant_id bigint not null,
            collection_id bigint not null,
            access_list_id bigint not null,
            document_id uuid not null,
            embedding halfvec(%s) not null)', t, dimensions);
    execute format('alter table %I alter column embedding set storage plain', t);
    execute format('create index on %I (document_id)', t);
    execute format('create index on %I (access_list_id, collection_id)', t);
    execute format('alter table %I enable row level security', t);
    execute format(
        'create policy readable on %I for select using (tenant_id = (select current_tenant()) and access_list_id in
         (select access_list_id from access_grants where grantee = any((select current_grantees())::text[])))', t);
    execute format(
        'create policy insertable on %I for insert with check
         (tenant_id = (select current_tenant()) and (select may_write()))', t);
    execute format('create policy updatable on %I for update using ((select may_write()))', t);
    execute format('create policy deletable on %I for delete using ((select may_write()))', t);
    execute format('grant select, insert, update, delete on %I to %I', t, caller);
    return space_id;
end $$;

-- The index for approximate search is made once there are enough rows to need it: faster than row by row, and a
-- small corpus never pays for it. Readers go on meanwhile; writers wait.
create function ensure_vector_index(space_id integer, least_rows bigint) returns void
    language plpgsql security definer set search_path = public, pg_temp set maintenance_work_mem = '256MB'
    as $$
declare
    t text := 'embeddings_' || space_id;
    enough boolean;
begin
    perform pg_advisory_xact_lock(hashtext('footnote embedding space'));
    if to_regclass(t || '_by_cosine') is not null then
        return;
    end if;
    execute format('select count(*) >= $1 from (select from %I limit $1) as some_rows', t) into enough using least_rows;
    if enough then
        execute format('create index %I on %I using hnsw (embedding halfvec_cosine_ops) with (m = 16, ef_construction = 64)',
                       t || '_by_cosine', t);
    end if;
end $$;
