/* A simulated disk as a whole. */
#include "db/sim/disk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What SQLite chooses by chance (salts of the log, the SQL function random()) comes from the
 * default VFS, once: from the disk, so by the seed. */
static int make_known(tr_sim_disk *disk)
{
    int rc = sqlite3_vfs_register(&disk->vfs, 1);

    sqlite3_randomness(0, NULL); /* it begins anew */
    return rc == SQLITE_OK ? 0 : TR_ENOMEM;
}

int tr_sim_disk_new(tr_sim_disk **out)
{
    static unsigned count;
    tr_sim_disk *disk;

    if (out == NULL)
        return TR_EINVAL;
    *out = NULL;
    if (!tr_sim_is_on())
        return TR_EWRONGPLACE;
    disk = tr__disk_memory(NULL, sizeof(*disk));
    memset(disk, 0, sizeof(*disk));
    (void)snprintf(disk->name, sizeof(disk->name), "troupe-disk-%u", ++count);
    disk->dice.state = tr_sim_random();
    disk->space = SIZE_MAX;
    disk->last_entry = &disk->entries;
    tr__list_init(&disk->files);
    tr__disk_vfs_init(disk);
    if (make_known(disk) < 0) {
        free(disk);
        return TR_ENOMEM;
    }
    *out = disk;
    return 0;
}

void tr_sim_disk_free(tr_sim_disk *disk)
{
    if (disk == NULL)
        return;
    (void)sqlite3_vfs_unregister(&disk->vfs); /* it is registered */
    sqlite3_randomness(0, NULL);
    tr__disk_free_all(disk);
    free(disk);
}

const char *tr_sim_disk_name(const tr_sim_disk *disk)
{
    return disk != NULL ? disk->name : NULL;
}

void tr_sim_disk_set_space(tr_sim_disk *disk, size_t bytes)
{
    if (disk != NULL)
        disk->space = bytes;
}

void tr_sim_disk_set_latency(tr_sim_disk *disk, double seconds)
{
    if (disk != NULL && seconds >= 0 && seconds <= 3600) /* NaN is not */
        disk->latency = seconds;
}

void tr_sim_disk_set_failures(tr_sim_disk *disk, double chance)
{
    if (disk != NULL && chance >= 0 && chance <= 1)
        disk->chance = chance;
}

void tr_sim_disk_fail_next(tr_sim_disk *disk, uint64_t n, uint64_t count)
{
    if (disk == NULL)
        return;
    disk->fails_at = n > 0 ? disk->figures.operations + n : 0;
    disk->fails_until = count < UINT64_MAX - disk->fails_at ? disk->fails_at + count : UINT64_MAX;
}

void tr_sim_disk_get(const tr_sim_disk *disk, tr_sim_disk_figures *out)
{
    if (out == NULL)
        return;
    *out = disk != NULL ? disk->figures : (tr_sim_disk_figures){ 0 };
    if (disk != NULL)
        out->bytes = tr__disk_used(disk);
}
