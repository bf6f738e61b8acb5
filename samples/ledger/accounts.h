/* Accounts in memory: an actor for each that somebody has asked for lately, found by its name
 * ("account/17") from any loop without a lock. It is what the account was after the last transfer
 * that it knows of: so who looks at a balance waits for no disk, and goes on while the database is
 * locked.
 *
 * It decides nothing (see store_move). It begins to live when somebody asks for it, and reads its
 * row then; is told of each transfer after its commit, before whoever sent that one hears of it: so
 * who was answered 200 reads what he wrote; and ends when nobody has asked for a while. */
#ifndef LEDGER_ACCOUNTS_H
#define LEDGER_ACCOUNTS_H

#include "store.h"

struct account_owner {
    char name[OWNER_MOST * 4 + 1];
};

TR_MESSAGE(account_state)
{
    int64_t cents;
    int64_t transfer; /* the last one that it knows of */
    struct account_owner owner;
};

enum { WORK_MOST = 10000 };

/* What all accounts stand on. It must live as long as the runtime. */
struct accounts {
    tr_db *db;
    double idle; /* seconds */
    /* WORK_MOST permits: one for each that is at the database and may go on when the server has
     * ended. Who has all of them may close it. */
    tr_semaphore *work;
};

/* How an account stands. TR_ENOENT: there is none; TR_ETIMEDOUT; of the database. */
int accounts_get(const struct accounts *accounts, int64_t id, double timeout,
                 struct account_state *out);

/* A transfer has been committed, after which the account has so much. It does not fail: an account
 * that can't be told is ended, and reads its row when it is asked for again. */
void accounts_tell(int64_t id, int64_t transfer, int64_t balance);

#endif
