/* What the ledger keeps, in SQLite, and what has to hold of it:
 *
 *     the sum of all accounts' cents is SUPPLY, always: account 0, the treasury, begins with it,
 *         and money only ever moves
 *     an account's cents = what it began with (0; the treasury: SUPPLY) + the sum of its postings
 *     no account is below 0
 *     transfer t has two postings, 2t - 1 of its source and 2t of its destination: so postings have
 *         one order, in which they were committed, and no number is left out
 *     a key belongs to one transfer
 *
 * Whoever writes does so by tr_db_write: jobs run one after the other on the one connection that
 * writes, and share transactions. So a job sees all that came before it, and nobody sees half of
 * one. */
#ifndef LEDGER_STORE_H
#define LEDGER_STORE_H

#include <troupe/db.h>

#define SUPPLY INT64_C(1000000000000000) /* cents: far from where an int64 ends */

enum { OWNER_MOST = 80, MEMO_MOST = 140, KEY_MOST = 255 };

struct posting {
    int64_t id;
    int64_t transfer;
    int64_t account;
    int64_t cents;   /* below 0: it was taken away */
    int64_t balance; /* after it */
    char *memo;
    char *at;
};
TR_DECLARE(posting, TR_INTEGER(posting, id), TR_INTEGER(posting, transfer),
           TR_INTEGER(posting, account), TR_INTEGER(posting, cents), TR_INTEGER(posting, balance),
           TR_TEXT(posting, memo), TR_TEXT(posting, at));

/* Open the database, and bring its schema up to date. */
int store_open(tr_db **db, const char *path, size_t group_most);

/* ---- moving money ---- */

typedef enum verdict {
    MOVED,
    MOVED_BEFORE, /* by an earlier request with this key, which said the same */
    KEY_IS_TAKEN, /* by a request that said something else */
    NO_SOURCE,
    NO_DESTINATION,
    TOO_LITTLE /* on the source */
} verdict;

/* A transfer that is asked for, and what came of it. */
struct move {
    char key[KEY_MOST + 1]; /* "": none, of the ledger's own */
    int64_t from, to, cents;
    char memo[MEMO_MOST * 4 + 1]; /* so many characters */
    /* Set anew each time that the job runs. */
    verdict verdict;
    int64_t id;
    int64_t from_balance, to_balance;
    char at[32];
};

/* Do it: a job for tr_db_write. Where the verdict is none of the first two, nothing was changed. */
int store_move(tr_db *tx, void *move);

/* An account that is to be opened, and the transfer from the treasury that fills it. */
struct opening {
    char owner[OWNER_MOST * 4 + 1];
    int64_t id; /* set by the job */
    struct move deposit;
};

/* A job, too. */
int store_open_account(tr_db *tx, void *opening);

/* ---- asking ---- */

/* What an account has, and the last transfer that it knows of. TR_ENOENT: there is none. */
struct account_row {
    char owner[OWNER_MOST * 4 + 1];
    int64_t cents;
    int64_t transfer;
};
int store_account(tr_db *db, int64_t id, struct account_row *out);

/* The last transfer; 0: there is none. */
int store_last_transfer(tr_db *db, int64_t *out);

/* Postings behind one, in their order; of one account, or (account below 0) of all. At most
 * `most`. */
int store_postings(tr_db *db, int64_t after, int64_t account, int most, tr_db_rows **rows,
                   struct posting **list, size_t *count);

/* ---- whether it holds ---- */

struct audit {
    int64_t accounts;
    int64_t transfers;
    int64_t total;           /* of all accounts */
    int64_t supply;          /* that it has to be */
    int64_t wrong_balances;  /* accounts whose cents are not what their postings say */
    int64_t wrong_transfers; /* that don't have two postings whose sum is 0 */
    bool holds;
};
/* All of it is of one moment. */
int store_audit(tr_db *db, struct audit *out);

/* Open so many accounts with some money, if the treasury is alone. */
int store_make_demo(tr_db *db, long accounts);

#endif
