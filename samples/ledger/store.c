/* See store.h. */
#include "store.h"

#include <stdio.h>
#include <string.h>

static const tr_db_migration migrations[] = {
    { .name = "ledger",
      .sql = "create table accounts ("
             "  id integer primary key,"
             "  owner text not null,"
             "  cents integer not null check (cents >= 0)) strict;"
             "create table transfers ("
             "  id integer primary key autoincrement,"
             "  key text unique," /* null: an opening */
             "  source integer not null references accounts,"
             "  destination integer not null references accounts check (destination <> source),"
             "  cents integer not null check (cents > 0),"
             "  memo text not null,"
             "  at text not null) strict;"
             "create table postings ("
             "  id integer primary key," /* 2t - 1 and 2t of transfer t */
             "  account integer not null references accounts,"
             "  cents integer not null,"
             "  balance integer not null check (balance >= 0)) strict;"
             "create index postings_of_account on postings (account, id);"
             "insert into accounts values (0, 'treasury', 1000000000000000);" },
    { .name = "users",
      .sql = "create table users ("
             "  name text primary key,"
             "  salt blob not null,"
             "  hash blob not null) strict;"
             "create table sessions ("
             "  digest blob primary key," /* of the token: who reads this can't log in */
             "  user text not null references users on delete cascade,"
             "  until integer not null) strict;" },
    /* With what cost each was hashed: so it can be raised. */
    { .name = "hash cost",
      .sql = "alter table users add column cost integer not null "
             "default 16384;" },
    { .name = NULL },
};

int store_open(tr_db **db, const char *path, size_t group_most)
{
    return tr_db_open(db, &(tr_db_config){ .path = path,
                                           .migrations = migrations,
                                           .group_most = group_most,
                                           .busy_timeout = 2 });
}

/* ---- moving money ---- */

/* Take it from the source: TR_ENOENT where that has too little, or is not there. */
static int debit(tr_db *tx, struct move *m)
{
    tr_db_rows *row tr_cleanup_rows = NULL;
    int rc = tr_db_one(&row, tx,
                       "update accounts set cents = cents - ? where id = ? and cents >= ? "
                       "returning cents",
                       m->cents, m->from, m->cents);

    if (rc == TR_ENOENT) {
        tr_db_rows *found tr_cleanup_rows = NULL;
        int looked = tr_db_one(&found, tx, "select 1 from accounts where id = ?", m->from);

        m->verdict = looked == TR_ENOENT ? NO_SOURCE : TOO_LITTLE;
        return looked < 0 && looked != TR_ENOENT ? looked : TR_ENOENT;
    }
    m->from_balance = rc == 0 ? tr_db_int(row, 0) : 0;
    return rc;
}

static int credit(tr_db *tx, struct move *m)
{
    tr_db_rows *row tr_cleanup_rows = NULL;
    int rc =
        tr_db_one(&row, tx, "update accounts set cents = cents + ? where id = ? returning cents",
                  m->cents, m->to);

    if (rc == TR_ENOENT)
        m->verdict = NO_DESTINATION;
    m->to_balance = rc == 0 ? tr_db_int(row, 0) : 0;
    return rc;
}

/* Write it down. */
static int record(tr_db *tx, struct move *m)
{
    tr_db_rows *row tr_cleanup_rows = NULL;
    int rc =
        tr_db_one(&row, tx,
                  "insert into transfers (key, source, destination, cents, memo, at) "
                  "values (?, ?, ?, ?, ?, strftime('%Y-%m-%dT%H:%M:%fZ', 'now')) "
                  "returning id, at",
                  m->key[0] != 0 ? (const char *)m->key : NULL, m->from, m->to, m->cents, m->memo);

    if (rc < 0)
        return rc;
    m->id = tr_db_int(row, 0);
    (void)snprintf(m->at, sizeof(m->at), "%s", tr_db_text(row, 1));
    return tr_db_exec(tx, "insert into postings values (?, ?, ?, ?), (?, ?, ?, ?)", 2 * m->id - 1,
                      m->from, -m->cents, m->from_balance, 2 * m->id, m->to, m->cents,
                      m->to_balance);
}

/* The key is known: was it the same? Then the answer is that of then. */
static int recall(tr_db *tx, struct move *m)
{
    tr_db_rows *row tr_cleanup_rows = NULL;
    int rc = tr_db_one(&row, tx,
                       "select id, at, source = ? and destination = ? and cents = ? and memo = ? "
                       "from transfers where key = ?",
                       m->from, m->to, m->cents, m->memo, m->key);

    if (rc < 0)
        return rc;
    m->verdict = tr_db_int(row, 2) != 0 ? MOVED_BEFORE : KEY_IS_TAKEN;
    m->id = tr_db_int(row, 0);
    (void)snprintf(m->at, sizeof(m->at), "%s", tr_db_text(row, 1));
    return 0;
}

static bool is_known(tr_db *tx, const char *key, int *rc)
{
    tr_db_rows *row tr_cleanup_rows = NULL;

    *rc =
        key[0] == 0 ? TR_ENOENT : tr_db_one(&row, tx, "select 1 from transfers where key = ?", key);
    if (*rc == TR_ENOENT) {
        *rc = 0;
        return false;
    }
    return *rc == 0;
}

/* Why the database alone decides, and no actor does: whether there is enough can be told only where
 * nothing else moves meanwhile, and that is so on the connection that writes: its jobs are one
 * after the other. An actor of the source that awaited each transfer would be a second queue in
 * front of that one, and let an account have one transfer an fsync, in the place of hundreds; and
 * the destination's balance is changed by it, too, which it does not own: what it believes could
 * never be what decides. Two opposite transfers can't wait for each other: there is one line, and
 * each holds nothing while it stands in it. */
int store_move(tr_db *tx, void *arg)
{
    struct move *m = arg;
    int rc;

    m->verdict = MOVED;
    m->id = 0;
    if (is_known(tx, m->key, &rc))
        return recall(tx, m);
    if (rc == 0)
        rc = debit(tx, m);
    if (rc == 0)
        rc = credit(tx, m);
    if (rc == 0)
        rc = record(tx, m);
    return rc < 0 ? rc : 0; /* an error undoes all of it */
}

int store_open_account(tr_db *tx, void *arg)
{
    struct opening *o = arg;
    tr_db_rows *row tr_cleanup_rows = NULL;
    int rc = tr_db_one(&row, tx, "insert into accounts (owner, cents) values (?, 0) returning id",
                       o->owner);

    if (rc < 0)
        return rc;
    o->id = tr_db_int(row, 0);
    o->deposit.id = 0;
    if (o->deposit.cents == 0)
        return 0;
    o->deposit.from = 0;
    o->deposit.to = o->id;
    return store_move(tx, &o->deposit);
}

/* ---- asking ---- */

int store_account(tr_db *db, int64_t id, struct account_row *out)
{
    tr_db_rows *row tr_cleanup_rows = NULL;
    int rc = tr_db_one(&row, db,
                       "select owner, cents, "
                       "(select (max(id) + 1) / 2 from postings where account = a.id) "
                       "from accounts a where id = ?",
                       id);

    if (rc < 0)
        return rc;
    (void)snprintf(out->owner, sizeof(out->owner), "%s", tr_db_text(row, 0));
    out->cents = tr_db_int(row, 1);
    out->transfer = tr_db_int(row, 2);
    return 0;
}

int store_last_transfer(tr_db *db, int64_t *out)
{
    tr_db_rows *row tr_cleanup_rows = NULL;
    int rc = tr_db_one(&row, db, "select max(id) from transfers");

    *out = rc == 0 ? tr_db_int(row, 0) : 0;
    return rc;
}

int store_postings(tr_db *db, int64_t after, int64_t account, int most, tr_db_rows **rows,
                   struct posting **list, size_t *count)
{
#define POSTINGS                                                                                   \
    "select p.id, t.id as transfer, p.account, p.cents, p.balance, t.memo, t.at "                  \
    "from postings p join transfers t on t.id = (p.id + 1) / 2 "
    int rc =
        account < 0
            ? tr_db_query(rows, db, POSTINGS "where p.id > ? order by p.id limit ?", after, most)
            : tr_db_query(rows, db,
                          POSTINGS "where p.account = ? and p.id > ? order by p.id limit ?",
                          account, after, most);
#undef POSTINGS
    return rc < 0 ? rc : tr_db_all(*rows, posting, list, count);
}

/* ---- whether it holds ---- */

static int count(tr_db *tx, const char *sql, int64_t *out)
{
    tr_db_rows *row tr_cleanup_rows = NULL;
    int rc = tr_db_one(&row, tx, sql);

    *out = rc == 0 ? tr_db_int(row, 0) : 0;
    return rc;
}

static int audit_job(tr_db *tx, void *arg)
{
    struct audit *a = arg;
    int rc = count(tx, "select count(*) from accounts", &a->accounts);

    if (rc == 0)
        rc = count(tx, "select count(*) from transfers", &a->transfers);
    if (rc == 0)
        rc = count(tx, "select sum(cents) from accounts", &a->total);
    if (rc == 0)
        rc = count(tx,
                   "select count(*) from accounts a left join "
                   "(select account, sum(cents) as moved from postings group by account) p "
                   "on p.account = a.id where a.cents <> coalesce(p.moved, 0) + "
                   "case a.id when 0 then 1000000000000000 else 0 end",
                   &a->wrong_balances);
    if (rc == 0)
        rc = count(tx,
                   "select count(*) from transfers t "
                   "left join postings d on d.id = 2 * t.id - 1 and d.account = t.source "
                   "left join postings c on c.id = 2 * t.id and c.account = t.destination "
                   "where d.cents is not -t.cents or c.cents is not t.cents",
                   &a->wrong_transfers);
    return rc;
}

int store_audit(tr_db *db, struct audit *out)
{
    int rc;

    *out = (struct audit){ .supply = SUPPLY };
    rc = tr_db_read(db, audit_job, out);
    out->holds =
        rc >= 0 && out->total == SUPPLY && out->wrong_balances == 0 && out->wrong_transfers == 0;
    return rc < 0 ? rc : 0;
}

static int demo_job(tr_db *tx, void *arg)
{
    static const char *const names[] = { "Ann",   "Bob",   "Carol", "Dave", "Erin", "Frank",
                                         "Grace", "Heidi", "Ivan",  "Judy", "Karl", "Lena",
                                         "Mia",   "Nils",  "Olga",  "Paul" };
    const long *wanted = arg;
    int64_t there;
    int rc = count(tx, "select count(*) from accounts where id > 0", &there);

    for (long i = 0; rc == 0 && there == 0 && i < *wanted; i++) {
        struct opening o = { .deposit = { .cents = 100000, .memo = "opening" } };
        long round = i / 16 + 1;

        if (round == 1)
            (void)snprintf(o.owner, sizeof(o.owner), "%s", names[i]);
        else
            (void)snprintf(o.owner, sizeof(o.owner), "%s %ld", names[i % 16], round);
        rc = store_open_account(tx, &o);
    }
    return rc;
}

int store_make_demo(tr_db *db, long accounts)
{
    return tr_db_write(db, demo_job, &accounts);
}
