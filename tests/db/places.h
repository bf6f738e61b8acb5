/* Where a case keeps its databases: a directory of its own, which is empty again when it has ended;
 * and what nearly all of them do. */
#ifndef TR_TESTS_DB_PLACES_H
#define TR_TESTS_DB_PLACES_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <troupe/db.h>
#include <unistd.h>

#include "sync/cases.h"

static char db_root[64];
static char db_path[96];

/* In memory, where the system has that: so many fsync take a while on a disk. */
static inline void make_root(void)
{
    bool is_fast = access("/dev/shm", W_OK) == 0;

    (void)snprintf(db_root, sizeof(db_root), "%s/troupe-db-XXXXXX", is_fast ? "/dev/shm" : "/tmp");
    EXPECT(mkdtemp(db_root) != NULL);
    (void)snprintf(db_path, sizeof(db_path), "%s/a.db", db_root);
}

static inline void remove_root(void)
{
    char name[128];

    (void)unlink(db_path); /* it may never have been made */
    (void)snprintf(name, sizeof(name), "%s-journal", db_path);
    (void)unlink(name);
    EXPECT(rmdir(db_root) == 0); /* so SQLite has left no file of its own */
}

/* A database in a new directory; and its end. */
static inline tr_db *open_db(void)
{
    tr_db *db = NULL;

    make_root();
    EXPECT(tr_db_open(&db, &(tr_db_config){ .path = db_path }) == 0);
    return db;
}

static inline void close_db(tr_db *db)
{
    EXPECT(tr_db_close(db) == 0);
    remove_root();
}

static inline int64_t number_of(tr_db *db, const char *sql)
{
    tr_db_rows *row;
    int64_t number;

    EXPECT(tr_db_one(&row, db, sql) == 0);
    number = tr_db_int(row, 0);
    tr_db_rows_close(row);
    return number;
}

#endif
