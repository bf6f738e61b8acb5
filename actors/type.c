/* The table of message types. It grows by chunks, which never move, so that readers take no lock.
 * It lives as long as the process: ids are kept in static descriptors. */
#include "actors/type.h"

#include <pthread.h>

#include "base/assert.h"
#include "base/atomic.h"
#include "base/seam.h"
#include "base/threads.h"
#include "mailbox/message.h"

enum {
    CHUNK_TYPES = 256,
    CHUNKS = 4096,
    TYPES_MAX = CHUNK_TYPES * CHUNKS /* 2^20: what the head of a message has room for */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static tr__type_info *chunks[CHUNKS];
static uint32_t count = 1; /* id 0 is none */

/* FNV-1a (Fowler, Noll, Vo). */
static uint32_t hash_text(uint32_t hash, const char *text)
{
    for (; *text != '\0'; text++)
        hash = (hash ^ (unsigned char)*text) * 16777619U;
    return hash;
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash != NULL ? slash + 1 : path;
}

static tr__type_info describe(const tr_type *type, size_t size)
{
    tr__type_info info = {
        .name = type->tr__name,
        .file = type->tr__line != 0 ? base_name(type->tr__file) : "",
        .line = type->tr__line,
        .size = size,
        .drop = type->tr__drop,
    };

    info.hash = hash_text(hash_text(2166136261U, info.name), info.file) ^ info.line;
    return info;
}

static bool is_same(const tr__type_info *a, const tr__type_info *b)
{
    return a->hash == b->hash && a->line == b->line && a->size == b->size &&
           (a->drop == NULL) == (b->drop == NULL) && strcmp(a->name, b->name) == 0 &&
           strcmp(a->file, b->file) == 0;
}

static tr__type_info *at(uint32_t index)
{
    /* acquire: pairs with the release in add. */
    tr__type_info *chunk = tr__load_acquire_ptr(&chunks[index / CHUNK_TYPES]);

    return chunk != NULL ? &chunk[index % CHUNK_TYPES] : NULL;
}

/* With the lock held: the index of an equal type, or 0. */
static uint32_t find(const tr__type_info *info)
{
    for (uint32_t index = 1; index < count; index++)
        if (is_same(at(index), info))
            return index;
    return 0;
}

/* With the lock held: the index of a new type, or 0. */
static uint32_t add(const tr__type_info *info)
{
    tr__type_info *chunk;

    if (count == TYPES_MAX)
        return 0;
    chunk = at(count);
    if (chunk == NULL) {
        chunk = tr__alloc_zeroed(CHUNK_TYPES * sizeof(*chunk));
        if (chunk == NULL)
            return 0;
        tr__memory_leaves(); /* ids are for ever */
        /* release: publishes the zeroed chunk; pairs with the acquire in at. */
        tr__store_release_ptr(&chunks[count / CHUNK_TYPES], chunk);
    }
    *at(count) = *info;
    return count++;
}

uint32_t tr__type_intern(tr_type *type, size_t size)
{
    tr__type_info info = describe(type, size);
    uint32_t id;

    tr__mutex_lock(&lock);
    id = find(&info);
    if (id == 0)
        id = add(&info);
    tr__mutex_unlock(&lock);
    if (id != 0 && info.drop != NULL)
        id |= TR__MSG_OWNS;
    if (id != 0)
        /* release: publishes the table's entry; pairs with the acquire in tr__type_id and
         * tr__as. */
        tr__store_release_u32(&type->tr__id, id);
    return id;
}

const tr__type_info *tr__type_info_of(uint32_t id)
{
    static const tr__type_info unknown = { .name = "?", .file = "" };
    const tr__type_info *info = at(id & (TYPES_MAX - 1));

    return info != NULL && info->name != NULL ? info : &unknown;
}

const void *tr__as_first(const tr_msg *msg, tr_type *type, size_t size)
{
    uint32_t id = tr__type_intern(type, size);

    return id != 0 && (msg->tr__head & TR__TYPE_MASK) == id ? msg->tr__payload : NULL;
}
