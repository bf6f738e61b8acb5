/* Names of actors: who has which.
 *
 * A table by the name's hash, in shards. Whoever changes a shard has its mutex; whoever looks takes
 * no lock, and writes nothing: it notes the shard's version, looks, and looks again if the version
 * has changed meanwhile (a sequence lock; Lameter, "Effective synchronization on Linux/NUMA
 * systems", 2005; Boehm, "Can seqlocks get along with programming language memory models?", MSPC
 * 2012). What it may still look at while that changes is never unmapped before the runtime stops:
 * names are handed out again, but for names only, and tables that have become too small are kept
 * (all of them together are no larger than the last). */
#ifndef TR_ACTORS_NAMES_H
#define TR_ACTORS_NAMES_H

#include <troupe/actor.h>

/* A name that an actor has. */
typedef struct tr__name {
    struct tr__name *next;      /* of its chain, or of the free ones */
    struct tr__name *neighbour; /* registry.c's */
    uint64_t hash;
    uint64_t pid;
    uint32_t bytes;
    uint32_t kind;   /* how much room it has */
    uint64_t text[]; /* zeros behind it */
} tr__name;

/* The runtime starts, with a key for SipHash; it has stopped: nobody has a name any more, nor
 * looks. */
void tr__names_open(const uint64_t hash_key[2]);
void tr__names_close(void);

/* Whether it can be a name. */
bool tr__name_is_valid(const char *text);

/* Take a name for an actor.
 * Threads: any, while the runtime can't stop.
 * Errors:  TR_EEXIST somebody has it; TR_ENOMEM. */
int tr__name_take(tr__name **out, const char *text, tr_pid pid);
/* Nobody has it any more.
 * Threads: as tr__name_take. */
void tr__name_give(tr__name *name);
/* Who has it; TR_PID_NONE.
 * Threads: as tr__name_take. */
tr_pid tr__name_find(const char *text);
/* Whether this is its text. */
bool tr__name_is(const tr__name *name, const char *text);

#endif
