/* Migrations. Each is applied in a transaction, together with the line that says so: so one that
 * fails, or whose process dies, was not applied at all. Two programs that open a database at the
 * same time apply them one after the other, for each looks again when it has the lock. */
#include "db/migrate.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/seam.h"
#include "base/siphash.h"
#include "db/database.h"
#include "db/statement.h"
#include "db/writer.h"

enum { DIGEST_BYTES = 17 };

typedef struct migrating {
    const tr_db_migration *all;
    const tr_db_migration *one;
} migrating;

/* ---- what is known of one ---- */

/* Of its text; a job has none, and so the same for ever. The key is no secret: it must be the same
 * in all programs. */
static void digest_of(const tr_db_migration *m, char digest[DIGEST_BYTES])
{
    static const uint64_t key[2] = { UINT64_C(0x74726f757065), UINT64_C(0x6d69677261746573) };
    const char *text = m->sql != NULL ? m->sql : "";

    (void)snprintf(digest, DIGEST_BYTES, "%016" PRIx64, tr__siphash(key, text, strlen(text)));
}

static const tr_db_migration *find(const tr_db_migration *all, const char *name)
{
    for (; all->name != NULL; all++)
        if (strcmp(all->name, name) == 0)
            return all;
    return NULL;
}

/* ---- what was applied ---- */

/* The line that the statement is at. */
static int compare(tr__connection *c, const tr_db_migration *all, const char *name,
                   const char *digest)
{
    const tr_db_migration *m = name != NULL ? find(all, name) : NULL;
    char now[DIGEST_BYTES];

    if (m == NULL)
        return tr__connection_refuse(c, TR_EMIGRATION,
                                     "the migration \"%s\" was applied, and is unknown here",
                                     name != NULL ? name : "");
    digest_of(m, now);
    if (digest != NULL && strcmp(digest, now) == 0)
        return 0;
    return tr__connection_refuse(c, TR_EMIGRATION,
                                 "the migration \"%s\" had another text when it was applied", name);
}

/* Compare all that were applied. *found: whether m is among them. */
static int look(tr__connection *c, const tr_db_migration *all, const tr_db_migration *m,
                bool *found)
{
    tr__statement *s;
    int rc = tr__statement_take(c, "select name, digest from troupe_migrations", true, &s);
    int end = 0;

    *found = false;
    if (rc < 0)
        return rc;
    while (end == 0 && (rc = tr__statement_step(c, s)) == 1) {
        const char *name = (const char *)sqlite3_column_text(s->handle, 0);

        end = compare(c, all, name, (const char *)sqlite3_column_text(s->handle, 1));
        *found = *found || (end == 0 && m->name != NULL && strcmp(name, m->name) == 0);
    }
    tr__statement_give(c, s);
    return rc < 0 ? rc : end;
}

/* ---- applying ---- */

static int remember(tr__connection *c, const tr_db_migration *m)
{
    char digest[DIGEST_BYTES];
    tr_db_value values[2];
    tr__statement *s;
    int rc = tr__statement_take(
        c, "insert into troupe_migrations values (?, ?, strftime('%Y-%m-%dT%H:%M:%SZ'))", true, &s);

    if (rc < 0)
        return rc;
    digest_of(m, digest);
    values[0] = tr__db_text(m->name);
    values[1] = tr__db_text(digest);
    rc = tr__statement_bind(c, s, values, 2, true);
    if (rc == 0)
        rc = tr__statement_step(c, s);
    tr__statement_give(c, s);
    return rc;
}

/* Whatever it says, the sentence names it. */
static int name_it(tr__connection *c, const tr_db_migration *m, int rc)
{
    char why[TR__WHY_BYTES];

    memcpy(why, c->why, sizeof(why));
    return tr__connection_refuse(c, rc, "the migration \"%.64s\": %.150s", m->name,
                                 why[0] != '\0' ? why : tr_strerror(rc));
}

static int do_it(tr_db *job, const tr_db_migration *m)
{
    tr__connection *c = job->connection;
    int rc = m->sql != NULL ? tr__connection_script(c, m->sql, false) : 0;

    if (rc == 0 && m->fn != NULL)
        rc = m->fn(job, m->arg);
    if (rc >= 0 && tr__connection_check(c) < 0)
        rc = c->undone;
    return rc < 0 ? name_it(c, m, rc) : remember(c, m);
}

static int apply(tr_db *job, const migrating *all)
{
    tr__connection *c = job->connection;
    bool was_applied = false;
    int rc = tr__connection_begin(c);

    if (rc == 0)
        rc = look(c, all->all, all->one, &was_applied);
    if (rc == 0 && !was_applied)
        rc = do_it(job, all->one);
    tr__db_rows_end(job);
    if (rc >= 0)
        rc = tr__connection_do(c, "commit");
    tr__connection_roll_back(c);
    tr__connection_end(c);
    return rc;
}

static const char table[] = "create table if not exists troupe_migrations (name text primary key, "
                            "digest text not null, applied text not null)";

/* The last look is for what is unknown, where nothing is left to apply. */
static int apply_all(tr_db *job, void *arg)
{
    migrating m = { .all = arg, .one = arg };
    tr__connection *c = job->connection;
    int rc = tr__connection_do(c, table);
    bool found;

    if (rc == 0)
        rc = look(c, m.all, &(tr_db_migration){ 0 }, &found);
    for (; rc == 0 && m.one->name != NULL; m.one++)
        rc = apply(job, &m);
    return rc;
}

/* ---- of a database that is only read ---- */

static int check_all(tr_db *job, void *arg)
{
    const tr_db_migration *all = arg;
    tr__connection *c = job->connection;
    bool found = true;
    int rc = 0;

    for (const tr_db_migration *m = all; rc == 0 && m->name != NULL; m++) {
        rc = look(c, all, m, &found);
        if (rc == 0 && !found)
            rc = tr__connection_refuse(c, TR_EMIGRATION,
                                       "the migration \"%s\" was not applied, and the database is "
                                       "read-only",
                                       m->name);
    }
    return rc;
}

int tr__db_migrate(struct tr__database *base, const tr_db_migration *migrations, char *why)
{
    void *all = (void *)(uintptr_t)migrations; /* they are only read */

    if (migrations == NULL || migrations->name == NULL)
        return 0;
    for (const tr_db_migration *m = migrations; m->name != NULL; m++)
        if ((m->sql == NULL && m->fn == NULL) || find(migrations, m->name) != m) {
            (void)snprintf(why, TR__WHY_BYTES, "the migration \"%.64s\" %s", m->name,
                           find(migrations, m->name) != m ? "is there twice" : "does nothing");
            return TR_EINVAL;
        }
    if (base->options.is_read_only)
        return tr__db_run_read(&base->face, check_all, all, why);
    return tr__writer_run_bare(base, apply_all, all, why);
}
