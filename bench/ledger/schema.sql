-- The ledger's tables, as those of samples/ledger.
create table if not exists accounts (
    id integer primary key,
    owner text not null,
    cents integer not null check (cents >= 0)
) strict;
create table if not exists transfers (
    id integer primary key autoincrement,
    key text unique,
    source integer not null references accounts,
    destination integer not null references accounts check (destination <> source),
    cents integer not null check (cents > 0),
    memo text not null,
    at text not null
) strict;
create table if not exists postings (
    id integer primary key, -- 2t - 1 and 2t of transfer t
    account integer not null references accounts,
    cents integer not null,
    balance integer not null check (balance >= 0)
) strict;
create index if not exists postings_of_account on postings (account, id);
