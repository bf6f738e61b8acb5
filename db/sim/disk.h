/* The simulated disk, inside.
 *
 *     name ---- a folder entry ----> file <---- handles (an open file of SQLite's each)
 *                                     | now       what a read finds
 *                                     | durable   what is kept for certain
 *                                     | changes   what is between the two, in order
 *
 *     now = durable with all changes, in order
 *           (and those that a sync that failed has forgotten, which are in now alone)
 *
 * Folder entries, too, are durable only when the folder was synced; until then they come and go in
 * order: a power cut forgets the last so many. A name that was deleted and made again is two files.
 *
 * A power cut begins another `boot`: handles of an earlier one are dead. They only refer to their
 * file and its shared memory, and let go of them when they are closed.
 *
 * All is one thread's, as the simulation is; no call here is a step, but for the VFS's (vfs.c). Its
 * memory is the world's, not the program's: it never fails by the seed. */
#ifndef TR_DB_SIM_DISK_H
#define TR_DB_SIM_DISK_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <troupe/sim_disk.h>

#include "base/list.h"
#include "base/random.h"

enum { TR__DISK_SECTOR = 512, TR__DISK_NAME_BYTES = 512 };

typedef struct tr__disk_content {
    char *data;
    size_t bytes;
    size_t capacity;
} tr__disk_content;

/* A write, or another size. */
typedef struct tr__disk_change tr__disk_change;
struct tr__disk_change {
    tr__disk_change *next;
    bool is_size;
    size_t at; /* or the size */
    size_t bytes;
    char data[];
};

/* What connections share of a file in WAL mode, in processes of real ones: it is no part of the
 * disk. */
typedef struct tr__disk_shared {
    unsigned users;
    int regions;
    void **region;
} tr__disk_shared;

typedef struct tr__disk_file {
    tr__list link; /* in disk->files */
    char name[TR__DISK_NAME_BYTES];
    bool is_listed;         /* it has a folder entry */
    bool is_listed_durably; /* and will have it after a power cut */
    unsigned entries;       /* pending ones of it */
    tr__disk_content now;
    tr__disk_content durable;
    tr__disk_change *changes;
    tr__disk_change **last_change;
    tr__list handles;
    unsigned references; /* of handles, dead ones, too */
    tr__disk_shared *shared;
} tr__disk_file;

/* A folder entry that came or went since the folder was synced. */
typedef struct tr__disk_entry tr__disk_entry;
struct tr__disk_entry {
    tr__disk_entry *next;
    tr__disk_file *file;
    bool is_listed;
};

typedef struct tr__disk_handle {
    sqlite3_file base; /* first: SQLite's */
    tr__list link;     /* in file->handles, unless it is dead */
    tr_sim_disk *disk;
    tr__disk_file *file;
    uint64_t boot;
    int lock; /* SQLITE_LOCK_* */
    bool is_deleted_on_close;
    bool syncs_folder; /* with its first sync */
    tr__disk_shared *shared;
    unsigned shared_locks; /* of shared memory, a bit each */
    unsigned exclusive_locks;
} tr__disk_handle;

struct tr_sim_disk {
    sqlite3_vfs vfs;
    char name[32];
    tr__random dice;
    uint64_t boot;
    tr__list files;
    tr__disk_entry *entries;
    tr__disk_entry **last_entry;
    size_t space;
    double latency;
    double chance;
    uint64_t fails_at; /* the operation; 0: none */
    uint64_t fails_until;
    tr_sim_disk_figures figures;
};

/* Memory of the world; it does not return without. */
void *tr__disk_memory(void *block, size_t bytes);

/* ---- files.c ---- */

/* The one of that name; NULL. */
tr__disk_file *tr__disk_find(tr_sim_disk *disk, const char *name);
/* name "": it has no entry. */
tr__disk_file *tr__disk_make(tr_sim_disk *disk, const char *name);
void tr__disk_delete(tr_sim_disk *disk, tr__disk_file *file);
void tr__disk_sync_folder(tr_sim_disk *disk);
/* Free files that nothing leads to. */
void tr__disk_collect(tr_sim_disk *disk);
void tr__disk_free_all(tr_sim_disk *disk);

/* How many bytes were read; the rest is zeroed. */
size_t tr__disk_read(const tr__disk_file *file, void *to, size_t bytes, size_t at);
void tr__disk_write(tr__disk_file *file, const void *data, size_t bytes, size_t at);
void tr__disk_resize(tr__disk_file *file, size_t bytes);
/* Make all changes durable. */
void tr__disk_sync(tr__disk_file *file);
/* It fails: some are kept. */
void tr__disk_sync_badly(tr_sim_disk *disk, tr__disk_file *file);
size_t tr__disk_used(const tr_sim_disk *disk);

/* ---- locks.c ---- */

int tr__disk_lock(tr__disk_handle *handle, int lock);
void tr__disk_unlock(tr__disk_handle *handle, int lock);
bool tr__disk_is_reserved(const tr__disk_handle *handle);

int tr__disk_map(tr__disk_handle *handle, int region, int bytes, bool extends, void **out);
int tr__disk_lock_shared(tr__disk_handle *handle, int first, int count, int flags);
void tr__disk_unmap(tr__disk_handle *handle);

/* ---- vfs.c ---- */

void tr__disk_vfs_init(tr_sim_disk *disk);

#endif
