/* A walk in depth: each figure is entered once, and left when all that it waits for has been. Who
 * comes upon one that has been entered and not left has found a cycle (Tarjan 1972). */
#include "observe/cycles.h"

#include "base/seam.h"

/* ---- who waits for whom ---- */

/* The i-th child, if it is of the scope that is joined. false: there are no more. */
static bool awaits_child(const tr__picture *picture, const tr__figure *figure, size_t i,
                         const tr__figure **awaited)
{
    size_t count;
    const uint32_t *children = tr__picture_children(picture, figure->id, &count);

    if (i >= count)
        return false;
    if (picture->figures[children[i]].scope == (uintptr_t)figure->awaited.children_of)
        *awaited = &picture->figures[children[i]];
    return true;
}

/* Who waits in vain if the i-th of these does not move. *awaited NULL: it is nobody in the picture.
 * false: there are no more. */
static bool awaits(const tr__picture *picture, const tr__figure *figure, size_t i,
                   const tr__figure **awaited)
{
    size_t count = figure->awaited.count < TR__BLOCKERS ? figure->awaited.count : TR__BLOCKERS;

    *awaited = NULL;
    if (figure->state != TR__FIGURE_WAITS || figure->awaited.is_choice)
        return false; /* something else may come first */
    if (figure->awaited.children_of != NULL)
        return awaits_child(picture, figure, i, awaited);
    if (i >= count)
        return false;
    *awaited = tr__picture_blocker(picture, &figure->awaited, i);
    if (*awaited == figure)
        *awaited = NULL; /* it has been given that just now, and is about to go on */
    return true;
}

/* ---- the walk ---- */

typedef struct visit {
    const tr__figure *figure;
    size_t next; /* of those that it waits for */
} visit;

enum { UNSEEN, ENTERED, LEFT };

typedef struct walk {
    const tr__picture *picture;
    uint8_t *states; /* a figure's, by its index */
    visit *path;     /* entered, and not left */
    size_t depth;
    void (*fn)(void *ctx, const tr__cycle *cycle);
    void *ctx;
} walk;

static uint8_t *state_of(walk *w, const tr__figure *figure)
{
    return &w->states[figure - w->picture->figures];
}

static void enter(walk *w, const tr__figure *figure)
{
    *state_of(w, figure) = ENTERED;
    w->path[w->depth++] = (visit){ .figure = figure };
}

/* The end of the path, from that figure on. */
static void tell(walk *w, const tr__figure *first)
{
    tr__cycle cycle = { .count = 0 };
    size_t i = w->depth;

    while (w->path[i - 1].figure != first)
        i--;
    for (i--; i < w->depth; i++) {
        const tr__figure *member = w->path[i].figure;

        if (cycle.count < TR__CYCLE_MOST)
            cycle.members[cycle.count] = member;
        cycle.count++;
        cycle.is_guess |= member->awaited.is_guess;
        cycle.has_limit |= member->until_ns != UINT64_MAX;
    }
    w->fn(w->ctx, &cycle);
}

static void step(walk *w)
{
    visit *last = &w->path[w->depth - 1];
    const tr__figure *awaited;

    if (!awaits(w->picture, last->figure, last->next, &awaited)) {
        *state_of(w, last->figure) = LEFT;
        w->depth--;
        return;
    }
    last->next++;
    if (awaited == NULL)
        return;
    if (*state_of(w, awaited) == UNSEEN)
        enter(w, awaited);
    else if (*state_of(w, awaited) == ENTERED)
        tell(w, awaited);
}

bool tr__cycles_find(const tr__picture *picture, void (*fn)(void *ctx, const tr__cycle *cycle),
                     void *ctx)
{
    size_t count = picture->figure_count;
    walk w = { .picture = picture, .fn = fn, .ctx = ctx };

    if (count == 0)
        return true;
    w.states = tr__alloc_zeroed(count);
    w.path = tr__alloc(count * sizeof(*w.path));
    for (size_t i = 0; w.states != NULL && w.path != NULL && i < count; i++) {
        if (w.states[i] == UNSEEN)
            enter(&w, &picture->figures[i]);
        while (w.depth > 0)
            step(&w);
    }
    tr__free(w.states);
    tr__free(w.path);
    return w.states != NULL && w.path != NULL;
}

bool tr__cycle_stands_in(const tr__cycle *cycle, const tr__picture *other)
{
    for (size_t i = 0; i < cycle->count && i < TR__CYCLE_MOST; i++) {
        const tr__figure *member = cycle->members[i];
        const tr__figure *same = tr__picture_find(other, member->id);

        if (same == NULL || same->state != TR__FIGURE_WAITS ||
            same->suspension != member->suspension ||
            same->awaited.object != member->awaited.object)
            return false;
    }
    return true;
}
