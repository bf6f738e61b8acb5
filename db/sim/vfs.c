/* The VFS of a simulated disk: what SQLite calls. Each call is a step of the simulation, and those
 * that move something take time. */
#include <string.h>

#include "base/assert.h"
#include "db/sim/disk.h"
#include "sim/chance.h"
#include "sim/world.h"

/* The simulation's day 0, 2000-01-01, as SQLite counts: milliseconds since the Julian epoch. */
#define EPOCH_MS INT64_C(211813444800000)

static tr__disk_handle *handle_of(sqlite3_file *file)
{
    return (tr__disk_handle *)(void *)file;
}

static tr_sim_disk *disk_of(sqlite3_vfs *vfs)
{
    return vfs->pAppData;
}

/* ---- operations ---- */

static bool is_dead(const tr__disk_handle *handle)
{
    return handle->boot != handle->disk->boot;
}

static bool fails(tr_sim_disk *disk)
{
    uint64_t n = ++disk->figures.operations;
    bool does = (disk->fails_at != 0 && n >= disk->fails_at && n < disk->fails_until) ||
                tr__chance(&disk->dice, disk->chance);

    disk->figures.failures += does;
    return does;
}

/* An operation takes up to a share of the disk's latency; others go on meanwhile. */
static void take_time(tr_sim_disk *disk, double share)
{
    double most = disk->latency * share;

    tr__sim_step();
    if (most > 0)
        tr_sim_sleep(most * (double)(tr__random_next(&disk->dice) % 1000) / 1000);
}

/* What each operation on an open file does first: error, if it can't go on. */
static int begin(tr__disk_handle *handle, double share, int error)
{
    take_time(handle->disk, share);
    return is_dead(handle) || fails(handle->disk) ? error : SQLITE_OK;
}

static const double SMALL = 0.01;

/* ---- files ---- */

static int do_close(sqlite3_file *file)
{
    tr__disk_handle *handle = handle_of(file);

    tr__sim_step();
    if (!is_dead(handle)) {
        tr__list_remove(&handle->link);
        if (handle->is_deleted_on_close)
            tr__disk_delete(handle->disk, handle->file);
    }
    tr__disk_unmap(handle);
    handle->file->references--;
    tr__disk_collect(handle->disk);
    return SQLITE_OK;
}

static int do_read(sqlite3_file *file, void *to, int bytes, sqlite3_int64 at)
{
    tr__disk_handle *handle = handle_of(file);
    int rc = begin(handle, SMALL, SQLITE_IOERR_READ);

    if (rc != SQLITE_OK)
        return rc;
    return tr__disk_read(handle->file, to, (size_t)bytes, (size_t)at) == (size_t)bytes
               ? SQLITE_OK
               : SQLITE_IOERR_SHORT_READ;
}

/* How much of a write there is room for. */
static size_t room_for(const tr__disk_handle *handle, size_t bytes, size_t at)
{
    size_t end = handle->file->now.bytes;
    size_t used = tr__disk_used(handle->disk);
    size_t room = handle->disk->space > used ? handle->disk->space - used : 0;

    if (at + bytes <= end || at + bytes - end <= room)
        return bytes;
    return end + room > at ? end + room - at : 0;
}

static int do_write(sqlite3_file *file, const void *data, int length, sqlite3_int64 offset)
{
    tr__disk_handle *handle = handle_of(file);
    size_t bytes = (size_t)length;
    size_t at = (size_t)offset;
    int rc = begin(handle, SMALL, SQLITE_IOERR_WRITE);
    size_t done;

    if (is_dead(handle))
        return rc;
    done = room_for(handle, bytes, at);
    if (rc != SQLITE_OK)
        done = tr__random_next(&handle->disk->dice) % (done + 1);
    else if (done < bytes)
        rc = SQLITE_FULL;
    tr__disk_write(handle->file, data, done, at);
    handle->disk->figures.writes++;
    return rc;
}

static int do_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    tr__disk_handle *handle = handle_of(file);
    int rc = begin(handle, SMALL, SQLITE_IOERR_TRUNCATE);

    if (rc != SQLITE_OK)
        return rc;
    if ((size_t)size > handle->file->now.bytes &&
        room_for(handle, (size_t)size - handle->file->now.bytes, handle->file->now.bytes) <
            (size_t)size - handle->file->now.bytes)
        return SQLITE_FULL;
    tr__disk_resize(handle->file, (size_t)size);
    return SQLITE_OK;
}

static void sync_now(tr__disk_handle *handle)
{
    tr__disk_sync(handle->file);
    if (handle->syncs_folder)
        tr__disk_sync_folder(handle->disk);
    handle->syncs_folder = false;
}

/* It is done somewhen while it takes its time: so a power cut meets some that are done, and that
 * nobody knows of yet. */
static int do_sync(sqlite3_file *file, int flags)
{
    tr__disk_handle *handle = handle_of(file);
    tr_sim_disk *disk = handle->disk;
    int rc = begin(handle, 0.5, SQLITE_IOERR_FSYNC);

    (void)flags;
    if (is_dead(handle))
        return SQLITE_IOERR_FSYNC;
    disk->figures.syncs++;
    if (rc != SQLITE_OK)
        tr__disk_sync_badly(disk, handle->file);
    else
        sync_now(handle);
    take_time(disk, 0.5);
    return is_dead(handle) ? SQLITE_IOERR_FSYNC : rc;
}

static int do_size(sqlite3_file *file, sqlite3_int64 *out)
{
    tr__disk_handle *handle = handle_of(file);
    int rc = begin(handle, 0, SQLITE_IOERR_FSTAT);

    if (rc == SQLITE_OK)
        *out = (sqlite3_int64)handle->file->now.bytes;
    return rc;
}

/* ---- locks ---- */

static int do_lock(sqlite3_file *file, int lock)
{
    tr__sim_step();
    return is_dead(handle_of(file)) ? SQLITE_IOERR_LOCK : tr__disk_lock(handle_of(file), lock);
}

static int do_unlock(sqlite3_file *file, int lock)
{
    tr__sim_step();
    tr__disk_unlock(handle_of(file), lock);
    return SQLITE_OK;
}

static int do_check_lock(sqlite3_file *file, int *out)
{
    tr__sim_step();
    *out = !is_dead(handle_of(file)) && tr__disk_is_reserved(handle_of(file));
    return SQLITE_OK;
}

static int do_control(sqlite3_file *file, int what, void *arg)
{
    if (what != SQLITE_FCNTL_LOCKSTATE)
        return SQLITE_NOTFOUND;
    *(int *)arg = handle_of(file)->lock;
    return SQLITE_OK;
}

static int do_sector(sqlite3_file *file)
{
    (void)file;
    return TR__DISK_SECTOR;
}

/* As of real disks by default: what stands beside a write that was torn is as it was. */
static int do_characteristics(sqlite3_file *file)
{
    (void)file;
    return SQLITE_IOCAP_POWERSAFE_OVERWRITE;
}

/* ---- shared memory ---- */

static int do_map(sqlite3_file *file, int region, int bytes, int extends, void volatile **out)
{
    tr__disk_handle *handle = handle_of(file);
    int rc = begin(handle, 0, SQLITE_IOERR_SHMMAP);
    void *memory = NULL;

    if (rc == SQLITE_OK)
        rc = tr__disk_map(handle, region, bytes, extends != 0, &memory);
    *out = memory;
    return rc;
}

static int do_lock_shared(sqlite3_file *file, int first, int count, int flags)
{
    tr__sim_step();
    if (is_dead(handle_of(file)))
        return SQLITE_IOERR_SHMLOCK;
    return tr__disk_lock_shared(handle_of(file), first, count, flags);
}

static void do_barrier(sqlite3_file *file)
{
    (void)file;
    tr__sim_step();
}

static int do_unmap(sqlite3_file *file, int deletes)
{
    (void)deletes;
    tr__sim_step();
    tr__disk_unmap(handle_of(file));
    return SQLITE_OK;
}

/* ---- the folder ---- */

static const sqlite3_io_methods methods = {
    .iVersion = 2,
    .xClose = do_close,
    .xRead = do_read,
    .xWrite = do_write,
    .xTruncate = do_truncate,
    .xSync = do_sync,
    .xFileSize = do_size,
    .xLock = do_lock,
    .xUnlock = do_unlock,
    .xCheckReservedLock = do_check_lock,
    .xFileControl = do_control,
    .xSectorSize = do_sector,
    .xDeviceCharacteristics = do_characteristics,
    .xShmMap = do_map,
    .xShmLock = do_lock_shared,
    .xShmBarrier = do_barrier,
    .xShmUnmap = do_unmap,
};

/* A journal's folder is synced with the first sync by each who could have made it, whether he has
 * or not: as SQLite's own VFS does. */
static void open_file(tr__disk_handle *handle, const char *name, int flags, bool is_new)
{
    tr_sim_disk *disk = handle->disk;

    handle->file = is_new ? tr__disk_make(disk, name) : tr__disk_find(disk, name);
    handle->file->references++;
    handle->boot = disk->boot;
    handle->is_deleted_on_close = (flags & SQLITE_OPEN_DELETEONCLOSE) != 0;
    handle->syncs_folder =
        (flags & SQLITE_OPEN_CREATE) != 0 &&
        (flags & (SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_SUPER_JOURNAL)) != 0;
    tr__list_append(&handle->file->handles, &handle->link);
    handle->base.pMethods = &methods;
}

static int do_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out)
{
    tr_sim_disk *disk = disk_of(vfs);
    tr__disk_handle *handle = handle_of(file);
    bool is_new;

    memset(handle, 0, sizeof(*handle));
    handle->disk = disk;
    take_time(disk, SMALL);
    is_new = name == NULL || tr__disk_find(disk, name) == NULL;
    if (fails(disk) || (is_new && (flags & SQLITE_OPEN_CREATE) == 0))
        return SQLITE_CANTOPEN;
    if (!is_new && (flags & SQLITE_OPEN_CREATE) != 0 && (flags & SQLITE_OPEN_EXCLUSIVE) != 0)
        return SQLITE_CANTOPEN;
    open_file(handle, name != NULL ? name : "", flags, is_new);
    if (out != NULL)
        *out = flags;
    return SQLITE_OK;
}

static int do_delete(sqlite3_vfs *vfs, const char *name, int syncs)
{
    tr_sim_disk *disk = disk_of(vfs);
    tr__disk_file *file;

    take_time(disk, SMALL);
    file = tr__disk_find(disk, name);
    if (file == NULL)
        return SQLITE_IOERR_DELETE_NOENT;
    if (fails(disk))
        return SQLITE_IOERR_DELETE;
    tr__disk_delete(disk, file);
    if (syncs)
        tr__disk_sync_folder(disk);
    return SQLITE_OK;
}

/* As SQLite's own does it: an empty journal is as good as none. */
static int do_access(sqlite3_vfs *vfs, const char *name, int flags, int *out)
{
    const tr__disk_file *file;

    take_time(disk_of(vfs), 0);
    file = tr__disk_find(disk_of(vfs), name);
    *out = file != NULL && (flags != SQLITE_ACCESS_EXISTS || file->now.bytes > 0);
    return SQLITE_OK;
}

static int do_name(sqlite3_vfs *vfs, const char *name, int bytes, char *out)
{
    (void)vfs;
    if (strlen(name) >= (size_t)bytes)
        return SQLITE_CANTOPEN;
    memcpy(out, name, strlen(name) + 1);
    return SQLITE_OK;
}

/* ---- what else a system has ---- */

static int do_random(sqlite3_vfs *vfs, int bytes, char *out)
{
    (void)vfs;
    for (int i = 0; i < bytes; i++)
        out[i] = (char)tr_sim_random();
    return bytes;
}

static int do_sleep(sqlite3_vfs *vfs, int microseconds)
{
    (void)vfs;
    tr_sim_sleep(microseconds * 1e-6);
    return microseconds;
}

static int do_time_ms(sqlite3_vfs *vfs, sqlite3_int64 *out)
{
    (void)vfs;
    *out = EPOCH_MS + (sqlite3_int64)(tr_sim_now() * 1000);
    return SQLITE_OK;
}

static int do_time(sqlite3_vfs *vfs, double *out)
{
    sqlite3_int64 ms;

    (void)do_time_ms(vfs, &ms); /* it can't fail */
    *out = (double)ms / 86400000.0;
    return SQLITE_OK;
}

static int do_error(sqlite3_vfs *vfs, int bytes, char *out)
{
    (void)vfs;
    if (bytes > 0)
        *out = '\0';
    return 0;
}

void tr__disk_vfs_init(tr_sim_disk *disk)
{
    disk->vfs = (sqlite3_vfs){
        .iVersion = 2,
        .szOsFile = (int)sizeof(tr__disk_handle),
        .mxPathname = TR__DISK_NAME_BYTES - 1,
        .zName = disk->name,
        .pAppData = disk,
        .xOpen = do_open,
        .xDelete = do_delete,
        .xAccess = do_access,
        .xFullPathname = do_name,
        .xRandomness = do_random,
        .xSleep = do_sleep,
        .xCurrentTime = do_time,
        .xGetLastError = do_error,
        .xCurrentTimeInt64 = do_time_ms,
    };
}
