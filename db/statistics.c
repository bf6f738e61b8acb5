/* What a database did until now. */
#include "base/atomic.h"
#include "base/threads.h"
#include "db/database.h"
#include "db/writer.h"

/* relaxed, both: figures, of which each stands for itself. */
static void add_connection(tr_db_stats *sum, const tr__connection *c)
{
    sum->busy += tr__load_relaxed_u64(&c->busy);         /* relaxed: see above */
    sum->prepared += tr__load_relaxed_u64(&c->prepared); /* relaxed: see above */
}

static void add_writer(tr_db_stats *sum, tr__writer *writer)
{
    add_connection(sum, &writer->connection);
    tr__mutex_lock(&writer->lock);
    sum->writes = writer->writes;
    sum->groups = writer->groups;
    sum->repeated = writer->repeated;
    sum->waiting = (long)writer->waiting;
    sum->last_commit = (double)writer->commit_ns * 1e-9;
    tr__mutex_unlock(&writer->lock);
}

int tr_db_statistics(tr_db *db, tr_db_stats *out)
{
    tr__database *base;

    if (out == NULL)
        return TR_EINVAL;
    *out = (tr_db_stats){ 0 };
    if (db == NULL)
        return TR_EINVAL;
    base = db->base;
    if (base->writer != NULL)
        add_writer(out, base->writer);
    for (int i = 0; i < base->readers.count; i++)
        add_connection(out, &base->readers.all[i].connection);
    tr__mutex_lock(&base->lock);
    out->reads = base->reads;
    out->failures = base->failures;
    out->waiting_reads = (long)base->waiting_reads;
    tr__mutex_unlock(&base->lock);
    return 0;
}
