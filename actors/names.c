/* The table of names. */
#include "actors/names.h"

#include <string.h>
#include <troupe/registry.h>

#include "base/atomic.h"
#include "base/seam.h"
#include "base/siphash.h"
#include "base/threads.h"

enum {
    SHARDS = 64,
    SHARD_SHIFT = 58,               /* of a hash: its upper bits say which */
    FIRST_CHAINS = 64,              /* of a shard */
    WORDS = (TR_NAME_MOST + 7) / 8, /* of a text */
    KINDS = 6,                      /* of names, by their room: 1, 2, 4, ... 32 words */
    SPINS = 100                     /* until whoever changes the shard is let run */
};

_Static_assert(1 << (KINDS - 1) >= WORDS, "the largest kind holds every name");

typedef struct table {
    struct table *smaller; /* that it has replaced */
    uint64_t mask;
    tr__name *chains[];
} table;

typedef struct shard {
    TR__ALIGNED(TR__CACHE_LINE) pthread_mutex_t mutex;
    uint64_t count;
    tr__name *free[KINDS];
    TR__ALIGNED(TR__CACHE_LINE) uint32_t version; /* odd: it changes just now */
    table *table;                                 /* NULL: nobody ever had a name */
} shard;

static shard shards[SHARDS];
static uint64_t key[2]; /* nobody can choose names that meet in one chain */

/* A name that is looked for. */
typedef struct sought_name {
    uint64_t hash;
    uint32_t bytes;
    uint64_t text[WORDS];
} sought_name;

/* ---- texts ---- */

bool tr__name_is_valid(const char *text)
{
    return text != NULL && text[0] != 0 && strnlen(text, TR_NAME_MOST + 1) <= TR_NAME_MOST;
}

static uint32_t words_of(uint32_t bytes)
{
    return (bytes + 7) / 8;
}

static uint32_t kind_of(uint32_t bytes)
{
    uint32_t kind = 0;

    while (UINT32_C(1) << kind < words_of(bytes))
        kind++;
    return kind;
}

static void read_text(sought_name *s, const char *text)
{
    s->bytes = (uint32_t)strlen(text);
    s->text[words_of(s->bytes) - 1] = 0; /* zeros behind it */
    memcpy(s->text, text, s->bytes);
    s->hash = tr__siphash(key, text, s->bytes);
}

static shard *shard_of(uint64_t hash)
{
    return &shards[hash >> SHARD_SHIFT];
}

/* While the name may change. acquire: the version is looked at behind all that was read. */
static bool is_equal(const tr__name *name, const sought_name *s)
{
    /* acquire: as above, also below. */
    if (tr__load_acquire_u64(&name->hash) != s->hash ||
        tr__load_acquire_u32(&name->bytes) != s->bytes)
        return false;
    for (uint32_t i = 0; i < words_of(s->bytes); i++)
        if (tr__load_acquire_u64(&name->text[i]) != s->text[i]) /* acquire: as above */
            return false;
    return true;
}

bool tr__name_is(const tr__name *name, const char *text)
{
    sought_name s;

    read_text(&s, text);
    return is_equal(name, &s);
}

/* ---- changing a shard: with its mutex ---- */

/* Only who has the mutex writes it. */
static uint32_t next_version(const shard *s)
{
    return tr__load_relaxed_u32(&s->version) + 1; /* relaxed: see above */
}

/* relaxed, and a fence: the version is seen to be odd by all who see anything of what changes;
 * pairs with the look at it behind the search (find_once). */
static void begin_change(shard *s)
{
    tr__store_relaxed_u32(&s->version, next_version(s));
    tr__fence_full(); /* fence: between the version and what changes; see above */
}

/* release: what has changed is seen before; pairs with the acquire in tr__name_find. */
static void end_change(shard *s)
{
    tr__store_release_u32(&s->version, next_version(s));
}

static tr__name **chain_of(table *t, uint64_t hash)
{
    return &t->chains[hash & t->mask];
}

static uint64_t hash_of(const tr__name *name)
{
    return tr__load_relaxed_u64(&name->hash); /* relaxed: who calls this has it, or the mutex */
}

/* Stores of what others may be reading are relaxed: the version tells them that it changes. So are
 * loads of it: only who has the mutex writes. */
static void link_name(table *t, tr__name *name)
{
    tr__name **chain = chain_of(t, hash_of(name));

    tr__store_relaxed_ptr(&name->next, tr__load_relaxed_ptr(chain)); /* relaxed: as above */
    tr__store_relaxed_ptr(chain, name);                              /* relaxed: as above */
}

static void unlink_name(table *t, const tr__name *name)
{
    tr__name **place = chain_of(t, hash_of(name));
    tr__name *at;

    /* relaxed: as above, also below. */
    while ((at = tr__load_relaxed_ptr(place)) != name)
        place = &at->next;
    tr__store_relaxed_ptr(place, tr__load_relaxed_ptr(&name->next)); /* relaxed: as above */
}

static table *new_table(uint64_t chains)
{
    table *t = tr__alloc_zeroed(sizeof(*t) + chains * sizeof(tr__name *));

    if (t != NULL)
        t->mask = chains - 1;
    return t;
}

/* Let the shard have a chain for each name, if there is memory. false: it has none at all. */
static bool make_room(shard *s)
{
    table *old = s->table;
    table *larger;

    if (old != NULL && s->count <= old->mask)
        return true;
    larger = new_table(old != NULL ? 2 * (old->mask + 1) : FIRST_CHAINS);
    if (larger == NULL)
        return old != NULL;
    larger->smaller = old;
    begin_change(s);
    for (uint64_t i = 0; old != NULL && i <= old->mask; i++)
        for (tr__name *name = old->chains[i], *next; name != NULL; name = next) {
            next = name->next;
            link_name(larger, name);
        }
    tr__store_relaxed_ptr(&s->table, larger); /* relaxed: as above */
    end_change(s);
    return true;
}

static tr__name *new_name(shard *s, uint32_t bytes)
{
    uint32_t kind = kind_of(bytes);
    tr__name *name = s->free[kind];

    if (name != NULL) {
        s->free[kind] = name->next;
        return name;
    }
    name = tr__alloc_zeroed(sizeof(*name) + (sizeof(name->text[0]) << kind));
    if (name != NULL)
        name->kind = kind;
    return name;
}

static tr__name *find_locked(const shard *s, const sought_name *sought)
{
    tr__name *name = s->table != NULL ? *chain_of(s->table, sought->hash) : NULL;

    while (name != NULL && !is_equal(name, sought))
        name = name->next;
    return name;
}

static void fill(tr__name *name, const sought_name *sought, tr_pid pid)
{
    /* relaxed: as in link_name. */
    tr__store_relaxed_u64(&name->hash, sought->hash);
    tr__store_relaxed_u64(&name->pid, pid.tr__id);      /* relaxed: as above */
    tr__store_relaxed_u32(&name->bytes, sought->bytes); /* relaxed: as above */
    for (uint32_t i = 0; i < words_of(sought->bytes); i++)
        tr__store_relaxed_u64(&name->text[i], sought->text[i]); /* relaxed: as above */
}

static int take_locked(tr__name **out, shard *s, const sought_name *sought, tr_pid pid)
{
    tr__name *name;

    if (find_locked(s, sought) != NULL)
        return TR_EEXIST;
    name = make_room(s) ? new_name(s, sought->bytes) : NULL;
    if (name == NULL)
        return TR_ENOMEM;
    begin_change(s);
    fill(name, sought, pid);
    link_name(s->table, name);
    end_change(s);
    s->count++;
    *out = name;
    return 0;
}

int tr__name_take(tr__name **out, const char *text, tr_pid pid)
{
    sought_name sought;
    shard *s;
    int rc;

    read_text(&sought, text);
    s = shard_of(sought.hash);
    tr__mutex_lock(&s->mutex);
    rc = take_locked(out, s, &sought, pid);
    tr__mutex_unlock(&s->mutex);
    return rc;
}

void tr__name_give(tr__name *name)
{
    shard *s = shard_of(hash_of(name));

    tr__mutex_lock(&s->mutex);
    begin_change(s);
    unlink_name(s->table, name);
    /* relaxed: as in link_name; whoever still looks at it may go on to other free ones, and then
     * sees that the version has changed. */
    tr__store_relaxed_ptr(&name->next, s->free[name->kind]);
    end_change(s);
    s->free[name->kind] = name;
    s->count--;
    tr__mutex_unlock(&s->mutex);
}

/* ---- looking ---- */

/* false: the shard has changed meanwhile. */
static bool find_once(const shard *s, const sought_name *sought, uint32_t version, tr_pid *found)
{
    /* acquire: as in is_equal; so below. */
    table *t = tr__load_acquire_ptr(&s->table);
    const tr__name *name = t != NULL ? tr__load_acquire_ptr(chain_of(t, sought->hash)) : NULL;

    *found = TR_PID_NONE;
    while (name != NULL) {
        if (is_equal(name, sought)) {
            found->tr__id = tr__load_acquire_u64(&name->pid); /* acquire: as above */
            break;
        }
        name = tr__load_acquire_ptr(&name->next); /* acquire: as above */
        /* relaxed: chains that change may lead round in a circle; they are not read on. */
        if (tr__load_relaxed_u32(&s->version) != version)
            return false;
    }
    /* relaxed: the loads before it acquire, so it comes behind them; pairs with the fence in
     * begin_change. */
    return tr__load_relaxed_u32(&s->version) == version;
}

tr_pid tr__name_find(const char *text)
{
    sought_name sought;
    const shard *s;
    tr_pid found;

    read_text(&sought, text);
    s = shard_of(sought.hash);
    for (uint32_t spins = 1;; spins++) {
        /* acquire: pairs with the release in end_change. */
        uint32_t version = tr__load_acquire_u32(&s->version);

        if (version % 2 == 0 && find_once(s, &sought, version, &found))
            return found;
        if (spins % SPINS == 0)
            tr__thread_yield(); /* whoever changes it may have lost the core */
    }
}

/* ---- the runtime's start and stop ---- */

void tr__names_open(const uint64_t hash_key[2])
{
    memcpy(key, hash_key, sizeof(key));
    for (int i = 0; i < SHARDS; i++) {
        memset(&shards[i], 0, sizeof(shards[i]));
        shards[i].mutex = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
    }
}

static void close_shard(shard *s)
{
    for (table *t = s->table, *smaller; t != NULL; t = smaller) {
        smaller = t->smaller;
        tr__free(t);
    }
    for (int kind = 0; kind < KINDS; kind++)
        for (tr__name *name = s->free[kind], *next; name != NULL; name = next) {
            next = name->next;
            tr__free(name);
        }
}

void tr__names_close(void)
{
    for (int i = 0; i < SHARDS; i++)
        close_shard(&shards[i]);
}
