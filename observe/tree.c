#include "observe/tree.h"

#include <inttypes.h>
#include <string.h>

/* Deeper ones are not drawn; and of leaves in a row that are alike only so many. */
enum { DEPTH_MOST = 64, ALIKE_SHOWN = 3 };

/* ---- one line ---- */

static void print_name(const tr__figure *figure, FILE *out)
{
    if (figure->actor != 0)
        (void)fprintf(out, "actor <%" PRIu32 "> (%s)", (uint32_t)figure->actor, figure->name);
    else
        (void)fprintf(out, "task '%s'", figure->name);
    (void)fprintf(out, " of loop %d", figure->loop - 1);
}

static bool is_loop(const tr__picture *picture, uint64_t address)
{
    for (size_t i = 0; i < picture->loop_count; i++)
        if (picture->loops[i] == address)
            return true;
    return false;
}

static void print_blocker(const tr__picture *picture, const tr__awaited *awaited, size_t i,
                          FILE *out)
{
    const tr__figure *figure = tr__picture_blocker(picture, awaited, i);
    tr__blocker blocker = awaited->blockers[i];

    (void)fputs(", and ", out);
    if (figure != NULL)
        print_name(figure, out);
    else if (blocker.is_actor)
        (void)fprintf(out, "actor <%" PRIu32 ">", (uint32_t)blocker.id);
    else
        (void)fputs(is_loop(picture, blocker.id) ? "a handler or callback"
                                                 : "somebody who is no task",
                    out);
    (void)fprintf(out, " %s", awaited->roles[i]);
}

static void print_blockers(const tr__picture *picture, const tr__awaited *awaited, FILE *out)
{
    size_t shown = awaited->count < TR__BLOCKERS ? awaited->count : TR__BLOCKERS;

    for (size_t i = 0; i < shown; i++)
        print_blocker(picture, awaited, i, out);
    if (awaited->count > shown)
        (void)fprintf(out, ", and %zu more", awaited->count - shown);
}

static void print_wait(const tr__picture *picture, const tr__figure *figure, uint64_t now_ns,
                       FILE *out)
{
    const tr__awaited *awaited = &figure->awaited;

    if (strcmp(awaited->what, TR__AWAITED_TIME) == 0)
        (void)fputs(awaited->until_ns != 0 ? "sleeps" : "sleeps for ever", out);
    else
        (void)fprintf(out, "awaits %s", awaited->what);
    if (awaited->object != NULL)
        (void)fprintf(out, " (%p)", awaited->object);
    print_blockers(picture, awaited, out);
    if (figure->until_ns > now_ns && figure->until_ns != UINT64_MAX)
        (void)fprintf(out, "; %.3f s left", (double)(figure->until_ns - now_ns) / 1e9);
}

void tr__figure_print(const tr__picture *picture, const tr__figure *figure, uint64_t now_ns,
                      FILE *out)
{
    print_name(figure, out);
    (void)fputs(": ", out);
    if (figure->state == TR__FIGURE_WAITS)
        print_wait(picture, figure, now_ns, out);
    else
        (void)fputs(figure->state == TR__FIGURE_NEW ? "has not begun" : "runs, or is about to",
                    out);
    if (figure->is_cancelled)
        (void)fputs("; it is cancelled", out);
}

/* ---- the tree ---- */

/* Children of one parent that are still to be drawn. */
typedef struct level {
    const uint32_t *next;
    size_t left;
} level;

/* Its levels are its stack: it may have to do with little of the caller's, who may be a task. */
typedef struct printer {
    const tr__picture *picture;
    FILE *out;
    uint64_t now_ns;
    level levels[DEPTH_MOST + 1]; /* from the root inward */
    size_t depth;
} printer;

/* What stands before a line of the innermost level, which has been taken off there. */
static void print_branch(const printer *p)
{
    (void)fputs("  ", p->out);
    for (size_t i = 1; i + 1 < p->depth; i++)
        (void)fputs(p->levels[i].left == 0 ? "   " : "│  ", p->out);
    if (p->depth > 1)
        (void)fputs(p->levels[p->depth - 1].left == 0 ? "└─ " : "├─ ", p->out);
}

static bool is_leaf(const tr__picture *picture, const tr__figure *figure)
{
    size_t children;

    (void)tr__picture_children(picture, figure->id, &children);
    return children == 0;
}

/* As far as it is worth a line of its own. */
static bool are_alike(const tr__picture *picture, const tr__figure *a, const tr__figure *b)
{
    return a->state == b->state && a->loop == b->loop && a->is_cancelled == b->is_cancelled &&
           a->awaited.what == b->awaited.what && a->awaited.count == 0 && b->awaited.count == 0 &&
           strcmp(a->name, b->name) == 0 && (a->actor != 0) == (b->actor != 0) &&
           is_leaf(picture, a) && is_leaf(picture, b);
}

/* How many of a level come now that are as the first. */
static size_t count_alike(const tr__picture *picture, const level *l)
{
    size_t alike = 1;

    while (alike < l->left &&
           are_alike(picture, &picture->figures[l->next[0]], &picture->figures[l->next[alike]]))
        alike++;
    return alike;
}

/* Take the next one off the innermost level, and draw it. */
static const tr__figure *print_next(printer *p)
{
    level *l = &p->levels[p->depth - 1];
    const tr__figure *figure = &p->picture->figures[*l->next++];

    l->left--;
    print_branch(p);
    tr__figure_print(p->picture, figure, p->now_ns, p->out);
    (void)fputc('\n', p->out);
    return figure;
}

/* So many leaves that are alike, of which not all are worth a line. */
static void print_alike(printer *p, size_t alike)
{
    level *l = &p->levels[p->depth - 1];
    size_t more = alike - ALIKE_SHOWN;

    for (int i = 0; i < ALIKE_SHOWN; i++)
        (void)print_next(p);
    l->next += more;
    l->left -= more;
    print_branch(p);
    (void)fprintf(p->out, "and %zu more like it\n", more);
}

static void descend(printer *p, uint64_t parent)
{
    level *l = &p->levels[p->depth];

    l->next = tr__picture_children(p->picture, parent, &l->left);
    if (l->left == 0)
        return;
    p->depth++;
    if (p->depth <= DEPTH_MOST)
        return;
    l->left = 0;
    print_branch(p);
    (void)fputs("and deeper ones\n", p->out);
}

static void print_tasks(printer *p)
{
    descend(p, 0);
    while (p->depth > 0) {
        const level *l = &p->levels[p->depth - 1];
        size_t alike = l->left > 0 ? count_alike(p->picture, l) : 0;

        if (alike == 0)
            p->depth--;
        else if (alike > ALIKE_SHOWN + 1)
            print_alike(p, alike);
        else
            descend(p, print_next(p)->id);
    }
}

void tr__tree_print(const tr__picture *picture, uint64_t now_ns, FILE *out)
{
    printer p = { .picture = picture, .out = out, .now_ns = now_ns };

    if (picture->figure_count > 0)
        print_tasks(&p);
    for (size_t i = 0; i < picture->crowd_count; i++) {
        const tr__crowd *crowd = &picture->crowds[i];

        (void)fprintf(out,
                      "  loop %d: actors '%s': %" PRIu64 ", for which %" PRIu64 " messages wait\n",
                      crowd->loop - 1, crowd->name, crowd->count, crowd->messages);
    }
    if (picture->is_short)
        (void)fputs("  memory was short: there are more\n", out);
}
