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

    (void)fputs(i == 0 ? ", and " : ", ", out);
    if (figure != NULL)
        print_name(figure, out);
    else if (blocker.is_actor)
        (void)fprintf(out, "actor <%" PRIu32 ">", (uint32_t)blocker.id);
    else
        (void)fputs(is_loop(picture, blocker.id) ? "a handler or callback"
                                                 : "somebody who is no task",
                    out);
}

static void print_blockers(const tr__picture *picture, const tr__awaited *awaited, FILE *out)
{
    size_t shown = awaited->count < TR__BLOCKERS ? awaited->count : TR__BLOCKERS;

    for (size_t i = 0; i < shown; i++)
        print_blocker(picture, awaited, i, out);
    if (awaited->count > shown)
        (void)fprintf(out, " and %zu more", awaited->count - shown);
    if (awaited->count > 0)
        (void)fprintf(out, " %s", awaited->blocked);
}

static void print_wait(const tr__picture *picture, const tr__awaited *awaited, uint64_t now_ns,
                       FILE *out)
{
    if (strcmp(awaited->what, TR__AWAITED_TIME) == 0)
        (void)fputs(awaited->until_ns != 0 ? "sleeps" : "sleeps for ever", out);
    else
        (void)fprintf(out, "awaits %s", awaited->what);
    if (awaited->object != NULL)
        (void)fprintf(out, " (%p)", awaited->object);
    print_blockers(picture, awaited, out);
    if (awaited->until_ns > now_ns && awaited->until_ns != UINT64_MAX)
        (void)fprintf(out, "; %.3f s left", (double)(awaited->until_ns - now_ns) / 1e9);
}

void tr__figure_print(const tr__picture *picture, const tr__figure *figure, uint64_t now_ns,
                      FILE *out)
{
    print_name(figure, out);
    (void)fputs(": ", out);
    if (figure->state == TR__FIGURE_WAITS)
        print_wait(picture, &figure->awaited, now_ns, out);
    else
        (void)fputs(figure->state == TR__FIGURE_NEW ? "has not begun" : "runs, or is about to",
                    out);
    if (figure->is_cancelled)
        (void)fputs("; it is cancelled", out);
}

/* ---- the tree ---- */

typedef struct printer {
    const tr__picture *picture;
    FILE *out;
    uint64_t now_ns;
    bool is_last[DEPTH_MOST]; /* on each level, whether the one that is drawn is */
} printer;

static void print_branch(const printer *p, size_t depth)
{
    (void)fputs("  ", p->out);
    for (size_t i = 1; i < depth; i++)
        (void)fputs(p->is_last[i] ? "   " : "│  ", p->out);
    if (depth > 0)
        (void)fputs(p->is_last[depth] ? "└─ " : "├─ ", p->out);
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

/* How many of these stand in a row that are as the first. */
static size_t count_alike(const tr__picture *picture, const uint32_t *children, size_t count)
{
    size_t alike = 1;

    while (alike < count &&
           are_alike(picture, &picture->figures[children[0]], &picture->figures[children[alike]]))
        alike++;
    return alike;
}

static void print_children(printer *p, uint64_t parent, size_t depth);

static void print_figure(printer *p, const tr__figure *figure, size_t depth)
{
    print_branch(p, depth);
    tr__figure_print(p->picture, figure, p->now_ns, p->out);
    (void)fputc('\n', p->out);
    print_children(p, figure->id, depth + 1);
}

/* Leaves in a row that are alike, of which not all are shown. */
static void print_alike(printer *p, const uint32_t *children, size_t alike, bool is_end,
                        size_t depth)
{
    size_t shown = alike > ALIKE_SHOWN + 1 ? ALIKE_SHOWN : alike;

    for (size_t i = 0; i < shown; i++) {
        p->is_last[depth] = is_end && i == alike - 1;
        print_figure(p, &p->picture->figures[children[i]], depth);
    }
    if (shown == alike)
        return;
    p->is_last[depth] = is_end;
    print_branch(p, depth);
    (void)fprintf(p->out, "and %zu more like it\n", alike - shown);
}

/* NOLINTNEXTLINE(misc-no-recursion): its depth has a limit */
static void print_children(printer *p, uint64_t parent, size_t depth)
{
    size_t count;
    const uint32_t *children = tr__picture_children(p->picture, parent, &count);

    if (count > 0 && depth == DEPTH_MOST) {
        print_branch(p, depth - 1);
        (void)fputs("and deeper ones\n", p->out);
        return;
    }
    for (size_t i = 0; i < count;) {
        size_t alike = count_alike(p->picture, children + i, count - i);

        print_alike(p, children + i, alike, i + alike == count, depth);
        i += alike;
    }
}

void tr__tree_print(const tr__picture *picture, uint64_t now_ns, FILE *out)
{
    printer p = { .picture = picture, .out = out, .now_ns = now_ns };

    if (picture->figure_count > 0)
        print_children(&p, 0, 0);
    for (size_t i = 0; i < picture->crowd_count; i++) {
        const tr__crowd *crowd = &picture->crowds[i];

        (void)fprintf(out,
                      "  loop %d: actors '%s': %" PRIu64 ", for which %" PRIu64 " messages wait\n",
                      crowd->loop - 1, crowd->name, crowd->count, crowd->messages);
    }
    if (picture->is_short)
        (void)fputs("  memory was short: there are more\n", out);
}
