/* Bringing a schema up to date, and what a database has done (statistics.c). */
#ifndef TROUPE_DB_MIGRATE_H
#define TROUPE_DB_MIGRATE_H

#include <troupe/db.h>

struct tr__database;

/* Apply the migrations that have not been applied; NULL: there are none. With the writer open, or,
 * of a database that is read-only, the readers. why (TR__WHY_BYTES): gets what was wrong.
 * Errors: those of the database, and of the migrations; TR_EMIGRATION. */
int tr__db_migrate(struct tr__database *base, const tr_db_migration *migrations, char *why);

#endif
