#include "observe/picture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actors/fibered.h"
#include "actors/home.h"
#include "actors/slot.h"
#include "base/seam.h"
#include "runtime/scope.h"

void tr__picture_clear(tr__picture *picture)
{
    tr__free(picture->loops);
    tr__free(picture->figures);
    tr__free(picture->kinships);
    tr__free(picture->crowds);
    tr__free(picture->by_parent);
    tr__free(picture->by_actor);
    *picture = (tr__picture){ 0 };
}

/* ---- arrays that grow ---- */

/* Room for one more; NULL: out of memory. */
static void *grow(void **array, size_t *room, size_t count, size_t bytes)
{
    size_t wanted = *room != 0 ? *room * 2 : 64;
    void *larger;

    if (count < *room)
        return (char *)*array + count * bytes;
    larger = tr__alloc(wanted * bytes);
    if (larger == NULL)
        return NULL;
    if (count > 0)
        memcpy(larger, *array, count * bytes);
    tr__free(*array);
    *array = larger;
    *room = wanted;
    return (char *)*array + count * bytes;
}

/* The end of an array, zeroed; or NULL, and the picture is short of it. */
static void *add(tr__picture *picture, void **array, size_t *room, size_t *count, size_t bytes)
{
    void *at = grow(array, room, *count, bytes);

    if (at == NULL) {
        picture->is_short = true;
        return NULL;
    }
    (*count)++;
    return memset(at, 0, bytes);
}

#define ADD(picture, kind)                                                                         \
    add((picture), (void **)&(picture)->kind##s, &(picture)->kind##_room,                          \
        &(picture)->kind##_count, sizeof(*(picture)->kind##s))

#define MERGE(into, from, kind)                                                                    \
    for (size_t i = 0; i < (from)->kind##_count; i++) {                                            \
        void *at = ADD((into), kind);                                                              \
                                                                                                   \
        if (at != NULL)                                                                            \
            memcpy(at, &(from)->kind##s[i], sizeof(*(from)->kind##s));                             \
    }

/* ---- tasks ---- */

static void draw_wait(tr__figure *figure, const tr__wait *wait)
{
    tr__awaited *awaited = &figure->awaited;

    figure->state = TR__FIGURE_WAITS;
    wait->kind->describe(wait, awaited);
    if (awaited->until_ns != 0)
        figure->until_ns = awaited->until_ns;
    if (wait->kind->withdraw != NULL && wait->task->innermost->deadline_ns < figure->until_ns)
        figure->until_ns = wait->task->innermost->deadline_ns;
}

/* Whether awaits fail in it, or did before it shielded itself. */
static bool is_cancelled(const tr_task *task)
{
    const tr__cancel *node = tr__task_root(task);

    if (node == NULL)
        return task->is_cancelled;
    while (node != NULL && !node->is_effective)
        node = node->inner;
    return node != NULL;
}

/* NULL: out of memory. */
static tr__figure *draw_task(tr__picture *picture, const tr_task *task)
{
    tr__figure *figure = ADD(picture, figure);

    if (figure == NULL)
        return NULL;
    figure->id = (uintptr_t)task;
    figure->until_ns = UINT64_MAX;
    figure->order = (uint32_t)picture->figure_count;
    figure->loop = task->loop;
    figure->is_cancelled = is_cancelled(task);
    (void)snprintf(figure->name, sizeof(figure->name), "%s", task->name);
    if (task->innermost == NULL)
        return figure;
    figure->state = TR__FIGURE_READY;
    figure->suspension = tr__fiber_on(task->stack)->suspension;
    if (task->wait != NULL)
        draw_wait(figure, task->wait);
    return figure;
}

/* ---- their children ---- */

static void draw_child(tr__picture *picture, const tr_task *task, uint64_t parent,
                       const tr__scope *scope)
{
    tr__figure *figure = draw_task(picture, task);

    if (figure == NULL)
        return;
    figure->parent = parent;
    figure->scope = (uintptr_t)scope;
}

static void note_remote(void *arg, const tr_task *child)
{
    tr__picture *picture = arg;
    tr__kinship *kinship = ADD(picture, kinship);

    if (kinship != NULL)
        kinship->child = (uintptr_t)child;
}

static void draw_scope(tr__picture *picture, const tr__scope *scope, uint64_t parent)
{
    size_t first = picture->kinship_count;

    for (const tr__list *node = scope->children.next; node != &scope->children; node = node->next)
        draw_child(picture, TR__CONTAINER_OF(node, const tr_task, link), parent, scope);
    tr__scope_visit_remote(scope, note_remote, picture);
    for (size_t i = first; i < picture->kinship_count; i++) {
        picture->kinships[i].parent = parent;
        picture->kinships[i].scope = (uintptr_t)scope;
    }
}

/* The children of those from the `first` figure on, and their children, and so on: each stands
 * behind its parent. */
static void draw_descendants(tr__picture *picture, size_t first)
{
    for (size_t i = first; i < picture->figure_count; i++) {
        const tr_task *task = (const tr_task *)(uintptr_t)picture->figures[i].id;

        for (const tr__cancel *node = tr__task_root(task); node != NULL; node = node->inner)
            if (node->scope != NULL)
                draw_scope(picture, node->scope, (uintptr_t)task);
    }
}

/* ---- actors ---- */

static tr__crowd *crowd_of(tr__picture *picture, const char *name, uint16_t loop)
{
    tr__crowd *crowd;

    for (size_t i = picture->crowd_count; i > 0 && picture->crowds[i - 1].loop == loop; i--)
        if (picture->crowds[i - 1].name == name)
            return &picture->crowds[i - 1];
    crowd = ADD(picture, crowd);
    if (crowd != NULL)
        *crowd = (tr__crowd){ .name = name, .loop = loop };
    return crowd;
}

static void draw_actor(tr__picture *picture, const tr_self *self, uint16_t loop)
{
    const tr__fibered *fibered = self->more != NULL ? self->more->fibered : NULL;
    tr__crowd *crowd = crowd_of(picture, self->cls->name, loop);
    tr__figure *figure;

    if (crowd != NULL) {
        crowd->count++;
        crowd->messages += tr__slot_queued(self);
    }
    if (fibered == NULL || fibered->task == NULL)
        return;
    figure = draw_task(picture, fibered->task);
    if (figure != NULL)
        figure->actor = tr__slot_pid(self).tr__id;
}

static void draw_actors(tr__picture *picture, const tr__home *home)
{
    uint32_t end = tr__table_end();

    for (uint32_t i = 1; i < end; i++) {
        tr_self *self = &tr__slots.slots[i];

        /* relaxed: it is ours, or another loop's, and then left alone. */
        if (tr__load_relaxed_u16(&tr__slots.home[i]) == home->loop.number &&
            tr__load_relaxed_u32(&self->generation) % 2 == 1 && self != home->asker)
            draw_actor(picture, self, (uint16_t)home->loop.number);
    }
}

void tr__picture_draw(tr__picture *picture, tr__loop *loop)
{
    size_t first = picture->figure_count;
    uint64_t *address = ADD(picture, loop);

    if (address != NULL)
        *address = (uintptr_t)loop;
    for (const tr__list *node = loop->tasks.next; node != &loop->tasks; node = node->next)
        (void)draw_task(picture, TR__CONTAINER_OF(node, const tr_task, link));
    draw_actors(picture, tr__home_from(loop));
    draw_descendants(picture, first);
}

void tr__picture_merge(tr__picture *into, const tr__picture *from)
{
    uint32_t before = (uint32_t)into->figure_count;

    MERGE(into, from, loop);
    MERGE(into, from, figure);
    MERGE(into, from, kinship);
    MERGE(into, from, crowd);
    for (size_t i = before; i < into->figure_count; i++)
        into->figures[i].order += before;
    into->is_short |= from->is_short;
}

/* ---- finding ---- */

static int compare(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

static int compare_ids(const void *a, const void *b)
{
    return compare(((const tr__figure *)a)->id, ((const tr__figure *)b)->id);
}

static int compare_parents(const void *a, const void *b, void *figures)
{
    const tr__figure *first = (const tr__figure *)figures + *(const uint32_t *)a;
    const tr__figure *second = (const tr__figure *)figures + *(const uint32_t *)b;
    int order = compare(first->parent, second->parent);

    if (order == 0)
        order = compare(first->is_elsewhere, second->is_elsewhere);
    return order != 0 ? order : compare(first->order, second->order);
}

static int compare_actors(const void *a, const void *b, void *figures)
{
    const tr__figure *first = (const tr__figure *)figures + *(const uint32_t *)a;
    const tr__figure *second = (const tr__figure *)figures + *(const uint32_t *)b;

    return compare(first->actor, second->actor);
}

const tr__figure *tr__picture_find(const tr__picture *picture, uint64_t id)
{
    const tr__figure key = { .id = id };

    return picture->figure_count > 0
               ? bsearch(&key, picture->figures, picture->figure_count, sizeof(key), compare_ids)
               : NULL;
}

const tr__figure *tr__picture_find_actor(const tr__picture *picture, uint64_t pid)
{
    size_t low = 0;
    size_t high = picture->actor_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const tr__figure *figure = &picture->figures[picture->by_actor[middle]];

        if (figure->actor == pid)
            return figure;
        if (figure->actor < pid)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

/* How many of those sorted by parent come before that one's children. */
static size_t before_children_of(const tr__picture *picture, uint64_t parent)
{
    size_t low = 0;
    size_t high = picture->figure_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (picture->figures[picture->by_parent[middle]].parent < parent)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

const uint32_t *tr__picture_children(const tr__picture *picture, uint64_t parent, size_t *count)
{
    size_t first = before_children_of(picture, parent);

    *count = before_children_of(picture, parent + 1) - first;
    return picture->by_parent + first;
}

/* A parent that is not in the picture, because it has just ended or memory was short, is nobody. */
static void find_parents(tr__picture *picture)
{
    for (size_t i = 0; i < picture->kinship_count; i++) {
        const tr__kinship *kinship = &picture->kinships[i];
        const tr__figure *found = tr__picture_find(picture, kinship->child);

        if (found != NULL) {
            tr__figure *child = &picture->figures[found - picture->figures];

            child->parent = kinship->parent;
            child->scope = kinship->scope;
            child->is_elsewhere = true;
            child->order = (uint32_t)i; /* its parent has named them in order */
        }
    }
    for (size_t i = 0; i < picture->figure_count; i++)
        if (tr__picture_find(picture, picture->figures[i].parent) == NULL)
            picture->figures[i].parent = 0;
}

bool tr__picture_finish(tr__picture *picture)
{
    size_t count = picture->figure_count;

    if (count == 0)
        return true;
    picture->by_parent = tr__alloc(count * sizeof(*picture->by_parent));
    picture->by_actor = tr__alloc(count * sizeof(*picture->by_actor));
    if (picture->by_parent == NULL || picture->by_actor == NULL)
        return false;
    qsort(picture->figures, count, sizeof(*picture->figures), compare_ids);
    find_parents(picture);
    for (uint32_t i = 0; i < count; i++) {
        picture->by_parent[i] = i;
        if (picture->figures[i].actor != 0)
            picture->by_actor[picture->actor_count++] = i;
    }
    qsort_r(picture->by_parent, count, sizeof(uint32_t), compare_parents, picture->figures);
    qsort_r(picture->by_actor, picture->actor_count, sizeof(uint32_t), compare_actors,
            picture->figures);
    return true;
}
