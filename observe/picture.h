/* A picture of all tasks, and of the actors that await: each loop draws its own.
 *
 * Threads: while a loop draws, nobody else touches the picture; it is handed on with a lock. */
#ifndef TR_OBSERVE_PICTURE_H
#define TR_OBSERVE_PICTURE_H

#include "runtime/task.h"

enum { TR__FIGURE_NAME_BYTES = 48 };

typedef enum tr__figure_state {
    TR__FIGURE_NEW,
    TR__FIGURE_READY,
    TR__FIGURE_WAITS
} tr__figure_state;

/* A task: a node of the tree. Whoever it names may be gone: nothing here may be followed. */
typedef struct tr__figure {
    uint64_t id;         /* its address */
    uint64_t parent;     /* whose child it is; 0: nobody's that is in the picture */
    uint64_t scope;      /* of its parent, by its address */
    uint64_t actor;      /* whose handler it runs: a pid; 0: nobody's */
    tr__awaited awaited; /* TR__FIGURE_WAITS */
    uint64_t until_ns;   /* when its wait ends at the latest; UINT64_MAX: that is not known */
    tr__figure_state state;
    uint32_t suspension; /* see tr__fiber */
    uint32_t order;      /* among those of its parent: as they were started */
    uint16_t loop;       /* from 1 */
    bool is_elsewhere;   /* its parent is on another loop: it comes behind those that are not */
    bool is_cancelled;   /* or was, before what shields it now */
    char name[TR__FIGURE_NAME_BYTES];
} tr__figure;

/* A child that is drawn on another loop than its parent. */
typedef struct tr__kinship {
    uint64_t child;
    uint64_t parent;
    uint64_t scope;
} tr__kinship;

/* Actors of one class on one loop. */
typedef struct tr__crowd {
    const char *name; /* of the class, which lasts */
    uint64_t count;
    uint64_t messages; /* that wait for them */
    uint16_t loop;
} tr__crowd;

typedef struct tr__picture {
    uint64_t *loops; /* addresses of those that have drawn, for who is named by one */
    size_t loop_count, loop_room;
    tr__figure *figures;
    size_t figure_count, figure_room;
    tr__kinship *kinships;
    size_t kinship_count, kinship_room;
    tr__crowd *crowds;
    size_t crowd_count, crowd_room;
    /* After finish, the figures by id; and their indices, by parent and then in order, and of those
     * that are actors', by pid. */
    uint32_t *by_parent;
    uint32_t *by_actor;
    size_t actor_count;
    bool is_short; /* out of memory: something is not in it */
} tr__picture;

void tr__picture_clear(tr__picture *picture);

/* On the loop: add what lives there. */
void tr__picture_draw(tr__picture *picture, tr__loop *loop);

/* Add what another loop has drawn. */
void tr__picture_merge(tr__picture *into, const tr__picture *from);

/* When all loops have drawn: for all that follows. false: out of memory. */
bool tr__picture_finish(tr__picture *picture);

/* The children of a figure, or those of nobody (0): *count indices. */
const uint32_t *tr__picture_children(const tr__picture *picture, uint64_t parent, size_t *count);

/* The figure with that id, or the one that runs that actor's handler; NULL. After finish. */
const tr__figure *tr__picture_find(const tr__picture *picture, uint64_t id);
const tr__figure *tr__picture_find_actor(const tr__picture *picture, uint64_t pid);

/* Those who are to end a wait, as far as they are in the picture: the i-th of its blockers. */
static inline const tr__figure *tr__picture_blocker(const tr__picture *picture,
                                                    const tr__awaited *awaited, size_t i)
{
    tr__blocker blocker = awaited->blockers[i];

    return blocker.is_actor ? tr__picture_find_actor(picture, blocker.id)
                            : tr__picture_find(picture, blocker.id);
}

#endif
