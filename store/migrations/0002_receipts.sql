-- Receipts hold span positions and hashes, never quotes: the text is resolved under row-level security when read.

create table receipts (
    id uuid primary key,
    tenant_id bigint not null references tenants,
    user_name text not null,
    created_at timestamptz not null default now(),
    body jsonb not null
);
create index receipts_by_user on receipts (tenant_id, user_name, created_at);

alter table receipts enable row level security;
create policy own on receipts
    using (tenant_id = (select current_tenant()) and user_name = (select current_user_name()));
