/* See books.h. */
#include "books.h"

#include <inttypes.h>
#include <string.h>
#include <troupe/sim.h>

static struct {
    order orders[CUSTOMERS + 1][ORDERS_EACH];
    int counts[CUSTOMERS + 1];
    int64_t purses[CUSTOMERS];
    char owners[CUSTOMERS][32];
    int64_t newest;
} books;

void books_clear(void)
{
    memset(&books, 0, sizeof(books));
}

/* ---- orders ---- */

order *books_order(int customer)
{
    int number = books.counts[customer];
    order *o = &books.orders[customer][number];

    if (number == ORDERS_EACH)
        return NULL;
    books.counts[customer]++;
    (void)snprintf(o->key, sizeof(o->key), "%d-%d", customer, number);
    return o;
}

void books_ask(order *o)
{
    o->asking++;
}

/* Where an answer was lost, later ones do not tell what became of that request: it may still be on
 * its way. */
void books_note(order *o, outcome came, int64_t id)
{
    o->asking--;
    o->is_lost = o->is_lost || came == LOST;
    if (came != DONE)
        return;
    MUST(o->id == 0 || o->id == id);
    o->id = id;
    books.newest = id > books.newest ? id : books.newest;
}

static bool may_be_there(const order *o)
{
    return o->id != 0 || o->is_lost || o->asking > 0;
}

order *books_answered(int customer)
{
    int count = books.counts[customer];
    int first = count == 0 ? 0 : (int)(tr_sim_random() % (uint64_t)count);

    for (int i = 0; i < count; i++)
        if (books.orders[customer][(first + i) % count].id != 0)
            return &books.orders[customer][(first + i) % count];
    return NULL;
}

int64_t books_newest(void)
{
    return books.newest;
}

/* ---- purses ---- */

void books_open(int customer, int64_t account, const char *owner)
{
    books.purses[customer] = account;
    (void)snprintf(books.owners[customer], sizeof(books.owners[0]), "%s", owner);
}

int64_t books_purse(int customer)
{
    return books.purses[customer];
}

void books_bounds(int customer, int64_t *least, int64_t *most)
{
    *least = *most = PURSE_CENTS;
    for (int i = 0; i < books.counts[customer]; i++) {
        const order *o = &books.orders[customer][i];

        if (o->from != books.purses[customer])
            continue;
        if (o->id != 0)
            *most -= o->cents;
        if (may_be_there(o))
            *least -= o->cents;
    }
}

/* ---- the feed ---- */

static bool is_same(const struct posting *a, const struct posting *b)
{
    return a->id == b->id && a->transfer == b->transfer && a->account == b->account &&
           a->cents == b->cents && a->balance == b->balance;
}

void books_see(record *r, const struct posting *p)
{
    MUST(p->id > 0 && p->id < POSTINGS_MOST);
    if (p->id <= r->last) {
        MUST(is_same(p, &r->seen[p->id]));
        return;
    }
    MUST(p->id == r->last + 1);
    r->last = p->id;
    r->seen[p->id] = *p;
    r->seen[p->id].memo = r->seen[p->id].at = NULL; /* they are lent */
}

/* ---- what the database says ---- */

static int64_t number_of(tr_db *db, const char *sql)
{
    tr_db_rows *row tr_cleanup_rows = NULL;
    int rc = tr_db_one(&row, db, sql);

    if (rc < 0)
        (void)fprintf(stderr, "%s: %s\n", sql, tr_db_why());
    MUST(rc == 0);
    return tr_db_int(row, 0);
}

static void compare_order(tr_db *db, const order *o)
{
    tr_db_rows *row tr_cleanup_rows = NULL;
    int rc = tr_db_one(&row, db,
                       "select id, source = ? and destination = ? and cents = ? and memo = ?, "
                       "(select count(*) from transfers where key = ?5) "
                       "from transfers where key = ?5",
                       o->from, o->to, o->cents, o->memo, o->key);

    MUST(rc == 0 || rc == TR_ENOENT);
    if (rc == TR_ENOENT && o->id != 0)
        (void)fprintf(stderr, "transfer %" PRId64 " (key %s) is lost\n", o->id, o->key);
    MUST(rc == 0 || o->id == 0); /* what was answered 200 is there */
    MUST(rc != 0 || may_be_there(o));
    MUST(rc != 0 || (tr_db_int(row, 1) == 1 && tr_db_int(row, 2) == 1));
    MUST(rc != 0 || o->id == 0 || o->id == tr_db_int(row, 0));
}

static void compare_purse(tr_db *db, int customer)
{
    tr_db_rows *row tr_cleanup_rows = NULL;
    int64_t least, most;

    if (books.purses[customer] == 0)
        return;
    books_bounds(customer, &least, &most);
    MUST(tr_db_one(&row, db, "select owner, cents from accounts where id = ?",
                   books.purses[customer]) == 0);
    MUST(strcmp(tr_db_text(row, 0), books.owners[customer]) == 0);
    MUST(tr_db_int(row, 1) >= least && tr_db_int(row, 1) <= most);
}

static void compare_postings(tr_db *db, const record *r)
{
    struct posting p;
    int64_t last = 0;
    int rc;

    TR_DB_EACH(row, &rc, db,
               "select id, (id + 1) / 2 as transfer, account, cents, balance, '' as memo, '' as at "
               "from postings where id <= ? order by id",
               r->last) {
        MUST(tr_db_row(row, posting, &p) == 0);
        MUST(p.id == last + 1 && is_same(&p, &r->seen[p.id]));
        last = p.id;
    }
    MUST(rc == 0 && last == r->last);
}

/* By other statements than the ledger's own audit. */
static void compare_sums(tr_db *db)
{
    MUST(number_of(db, "select count(*) from pragma_integrity_check "
                       "where integrity_check <> 'ok'") == 0);
    MUST(number_of(db, "select sum(cents) from accounts") == SUPPLY);
    MUST(number_of(db, "select count(*) from accounts where cents < 0") == 0);
    MUST(number_of(db, "select count(*) from (select 1 from transfers where key is not null "
                       "group by key having count(*) > 1)") == 0);
    /* Two postings for each, and no number left out. */
    MUST(number_of(db, "select count(*) from postings") ==
         2 * number_of(db, "select coalesce(max(id), 0) from transfers"));
    MUST(number_of(db, "select count(*) from transfers") ==
         number_of(db, "select coalesce(max(id), 0) from transfers"));
    MUST(number_of(db, "select count(*) from transfers t where "
                       "(select cents from postings where id = 2 * t.id - 1 and account = source) "
                       "is not -cents or "
                       "(select cents from postings where id = 2 * t.id and account = destination) "
                       "is not cents") == 0);
    /* Each balance is that of before and what was posted, and the last one is the account's. */
    MUST(number_of(db, "select count(*) from (select balance, cents, account, "
                       "lag(balance) over (partition by account order by id) as before "
                       "from postings) where balance <> cents + "
                       "coalesce(before, iif(account = 0, 1000000000000000, 0))") == 0);
    MUST(number_of(db,
                   "select count(*) from accounts a where cents <> coalesce("
                   "(select balance from postings where account = a.id order by id desc limit 1),"
                   "iif(id = 0, 1000000000000000, 0))") == 0);
}

void books_compare(tr_db *db, const record *const *records, size_t count)
{
    compare_sums(db);
    for (int c = 0; c <= CUSTOMERS; c++)
        for (int i = 0; i < books.counts[c]; i++)
            compare_order(db, &books.orders[c][i]);
    for (int c = 0; c < CUSTOMERS; c++)
        compare_purse(db, c);
    for (size_t i = 0; i < count; i++)
        compare_postings(db, records[i]);
}
