/* Locks of a simulated disk's files, as those of other processes would be; and the shared memory of
 * connections in WAL mode, with its own. */
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/compiler.h"
#include "db/sim/disk.h"

/* ---- of files ----
 *
 * Many may have SHARED, and one beside them RESERVED; who has PENDING keeps others from coming, and
 * has EXCLUSIVE when they have gone. */

/* The strongest one of the others, and how many they are that have any. */
static int strongest_other(const tr__disk_handle *self, unsigned *holders)
{
    int strongest = SQLITE_LOCK_NONE;

    *holders = 0;
    for (const tr__list *at = self->file->handles.next; at != &self->file->handles; at = at->next) {
        const tr__disk_handle *other = TR__CONTAINER_OF(at, const tr__disk_handle, link);

        if (other == self || other->lock == SQLITE_LOCK_NONE)
            continue;
        ++*holders;
        if (other->lock > strongest)
            strongest = other->lock;
    }
    return strongest;
}

int tr__disk_lock(tr__disk_handle *handle, int lock)
{
    unsigned holders;
    int strongest = strongest_other(handle, &holders);

    if (handle->lock >= lock)
        return SQLITE_OK;
    if (strongest >= (lock == SQLITE_LOCK_SHARED ? SQLITE_LOCK_PENDING : SQLITE_LOCK_RESERVED))
        return SQLITE_BUSY;
    if (lock == SQLITE_LOCK_EXCLUSIVE && holders > 0) {
        handle->lock = SQLITE_LOCK_PENDING;
        return SQLITE_BUSY;
    }
    handle->lock = lock;
    return SQLITE_OK;
}

void tr__disk_unlock(tr__disk_handle *handle, int lock)
{
    if (handle->lock > lock)
        handle->lock = lock;
}

bool tr__disk_is_reserved(const tr__disk_handle *handle)
{
    unsigned holders;

    return handle->lock >= SQLITE_LOCK_RESERVED ||
           strongest_other(handle, &holders) >= SQLITE_LOCK_RESERVED;
}

/* ---- of shared memory ---- */

static unsigned bits(int first, int count)
{
    return ((1u << count) - 1) << first;
}

static bool others_have(const tr__disk_handle *self, unsigned locks, bool exclusively)
{
    for (const tr__list *at = self->file->handles.next; at != &self->file->handles; at = at->next) {
        const tr__disk_handle *other = TR__CONTAINER_OF(at, const tr__disk_handle, link);

        if (other != self && ((other->exclusive_locks & locks) != 0 ||
                              (!exclusively && (other->shared_locks & locks) != 0)))
            return true;
    }
    return false;
}

int tr__disk_lock_shared(tr__disk_handle *handle, int first, int count, int flags)
{
    unsigned locks = bits(first, count);

    if (flags & SQLITE_SHM_UNLOCK) {
        handle->shared_locks &= ~locks;
        handle->exclusive_locks &= ~locks;
        return SQLITE_OK;
    }
    if (others_have(handle, locks, (flags & SQLITE_SHM_SHARED) != 0))
        return SQLITE_BUSY;
    if (flags & SQLITE_SHM_SHARED)
        handle->shared_locks |= locks;
    else
        handle->exclusive_locks |= locks;
    return SQLITE_OK;
}

/* ---- shared memory ---- */

static tr__disk_shared *use_shared(tr__disk_file *file)
{
    if (file->shared == NULL) {
        file->shared = tr__disk_memory(NULL, sizeof(*file->shared));
        *file->shared = (tr__disk_shared){ 0 };
    }
    file->shared->users++;
    return file->shared;
}

static void *new_region(int bytes)
{
    return memset(tr__disk_memory(NULL, (size_t)bytes), 0, (size_t)bytes);
}

int tr__disk_map(tr__disk_handle *handle, int region, int bytes, bool extends, void **out)
{
    tr__disk_shared *shared;

    if (handle->shared == NULL)
        handle->shared = use_shared(handle->file);
    shared = handle->shared;
    *out = NULL;
    if (region >= shared->regions && !extends)
        return SQLITE_OK;
    while (region >= shared->regions) {
        shared->region =
            tr__disk_memory(shared->region, ((size_t)shared->regions + 1) * sizeof(void *));
        shared->region[shared->regions++] = new_region(bytes);
    }
    TR_ASSERT(shared->region != NULL); /* it has that one */
    *out = shared->region[region];
    return SQLITE_OK;
}

static void free_shared(tr__disk_shared *shared)
{
    for (int i = 0; i < shared->regions; i++)
        free(shared->region[i]);
    free((void *)shared->region);
    free(shared);
}

void tr__disk_unmap(tr__disk_handle *handle)
{
    tr__disk_shared *shared = handle->shared;

    handle->shared = NULL;
    handle->shared_locks = 0;
    handle->exclusive_locks = 0;
    if (shared == NULL || --shared->users > 0)
        return;
    if (handle->file->shared == shared)
        handle->file->shared = NULL;
    free_shared(shared);
}
