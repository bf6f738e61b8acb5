/* A disk of a simulation, for programs that use <troupe/db.h>: in memory, and as bad as real ones.
 * Link with troupe-db-sim (pkg-config troupe-db-sim; CMake troupe::troupe-db-sim).
 *
 *     static void program(void *unused)
 *     {
 *         tr_sim_disk *disk;
 *
 *         ck_assert_int_eq(tr_sim_disk_new(&disk), 0);
 *         ... tr_db_open(&db, &(tr_db_config){ .path = "shop.db" }) ... some writes ...
 *         tr_sim_disk_cut_power(disk);
 *         ... tr_db_close(db), tr_db_open: what was acknowledged is there ...
 *         tr_sim_disk_free(disk);
 *     }
 *
 * It is a VFS of SQLite. From when it is made all databases are on it that name no vfs of their
 * own; those that say tr_sim_disk_name are on it, too, if there are several. What is written is
 * kept for certain once it was synced; until then the power decides. Its calls are steps of the
 * simulation, wait in virtual time, and fail by the seed.
 *
 * Threads: all functions are for any thread of the simulation. */
#ifndef TROUPE_SIM_DISK_H
#define TROUPE_SIM_DISK_H

#include <troupe/sim.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tr_sim_disk tr_sim_disk;

/* Make an empty disk, which has no limit, does not fail, and takes no time. *out is NULL on error.
 * Ownership: the caller's, until tr_sim_disk_free.
 * Errors:    TR_ENOMEM; TR_EINVAL; TR_EWRONGPLACE outside of a simulation. */
TR_API int tr_sim_disk_new(tr_sim_disk **out);

/* All that is on it is gone. No database of it may be open. NULL is allowed. */
TR_API void tr_sim_disk_free(tr_sim_disk *disk);

/* For tr_db_config.vfs; lent until it is freed. */
TR_API const char *tr_sim_disk_name(const tr_sim_disk *disk);

/* How many bytes its files may have, together; SIZE_MAX: no limit. What grows beyond that fails:
 * TR_ENOSPC. With less than they have now, nothing grows any more. */
TR_API void tr_sim_disk_set_space(tr_sim_disk *disk, size_t bytes);

/* A sync takes up to so many seconds by the seed, and a read or write up to a hundredth of that. */
TR_API void tr_sim_disk_set_latency(tr_sim_disk *disk, double seconds);

/* The chance, from 0 to 1, that an operation fails: TR_EIO. Of a write that fails a part may have
 * been done; of what a sync that fails should have kept, some is kept, and of the rest the seed
 * decides whether the next sync keeps it, or it is forgotten, as on Linux: it is read as it was
 * written, until the power is cut. */
TR_API void tr_sim_disk_set_failures(tr_sim_disk *disk, double chance);

/* Let the n-th operation from now on fail (1: the next), and all until count have; 0: none. */
TR_API void tr_sim_disk_fail_next(tr_sim_disk *disk, uint64_t n, uint64_t count);

/* Cut the power, and let it come again at once. Of what was not synced the seed decides which
 * writes are kept, which are lost, and which are torn (of their sectors of 512 bytes only some are
 * kept), and how many of the last new or deleted names have been forgotten. What was open before
 * can only be closed: all else fails, as if its process had ended; locks are gone. */
TR_API void tr_sim_disk_cut_power(tr_sim_disk *disk);

/* What it did until now. */
typedef struct tr_sim_disk_figures {
    uint64_t operations; /* that may fail */
    uint64_t writes;
    uint64_t syncs;
    uint64_t failures; /* of operations, by tr_sim_disk_set_failures and _fail_next */
    uint64_t cuts;     /* of the power */
    size_t bytes;      /* of all files, now */
} tr_sim_disk_figures;

TR_API void tr_sim_disk_get(const tr_sim_disk *disk, tr_sim_disk_figures *out);

#ifdef __cplusplus
}
#endif
#endif
