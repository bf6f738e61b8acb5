/* See troubles.h. The simulation's own chances are changed while it runs. */
#include "samples/ledger/troubles.h"

#include "sim/world.h"

typedef enum trouble {
    FULL_DISK,
    FAILING_DISK,
    DEAD_DISK,
    SLOW_DISK,
    NO_MEMORY,
    FAILING_CALLS,
    RESETS,
    CUTS,
    PIECES,
    TROUBLES
} trouble;

static void fill(tr_sim_disk *disk)
{
    tr_sim_disk_figures figures;

    tr_sim_disk_get(disk, &figures);
    tr_sim_disk_set_space(disk, figures.bytes + (size_t)(tr_sim_random() % 20000));
}

static void begin(trouble t, tr_sim_disk *disk, weather *w)
{
    tr_sim_options *o = &tr__sim.options;

    switch (t) {
    case FULL_DISK:
        fill(disk);
        break;
    case FAILING_DISK:
        tr_sim_disk_set_failures(disk, 0.05);
        break;
    case DEAD_DISK:
        tr_sim_disk_set_failures(disk, 1);
        break;
    case SLOW_DISK: /* beyond the patience of whoever waits */
        tr_sim_disk_set_latency(disk, 8);
        break;
    case NO_MEMORY:
        o->fail_memory = 0.01;
        w->is_out_of_memory = true;
        break;
    case FAILING_CALLS:
        o->fail_call = 0.02;
        w->is_out_of_memory = true;
        break;
    case RESETS:
        o->reset = 0.02;
        break;
    case CUTS:
        o->partition = 0.01;
        break;
    default:
        o->short_transfer = 0.3;
    }
}

void troubles_begin(tr_sim_disk *disk, weather *w)
{
    begin((trouble)(tr_sim_random() % TROUBLES), disk, w);
    if (tr_sim_random() % 3 == 0)
        begin((trouble)(tr_sim_random() % TROUBLES), disk, w);
}

void troubles_end(tr_sim_disk *disk)
{
    tr_sim_options *o = &tr__sim.options;

    tr_sim_disk_set_space(disk, SIZE_MAX);
    tr_sim_disk_set_failures(disk, 0);
    tr_sim_disk_set_latency(disk, 0.01);
    o->fail_memory = o->fail_call = o->reset = o->partition = o->short_transfer = 0;
}

void troubles_lock(const char *path, double seconds)
{
    tr_db *db;
    int rc = tr_db_open(&db, &(tr_db_config){ .path = path, .busy_timeout = 1 });

    if (rc < 0)
        return;
    TR_DB_TRANSACTION(tx, &rc, db) {
        rc = tr_sleep(seconds);
    }
    MUST(tr_db_close(db) == 0);
}
