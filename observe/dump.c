/* tr_dump: each loop is asked to draw what lives there; the pictures are put together and printed.
 * */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include <troupe/observe.h>

#include "base/seam.h"
#include "observe/cycles.h"
#include "observe/picture.h"
#include "observe/tree.h"
#include "runtime/runtime.h"
#include "runtime/thread.h"

/* A loop that runs something gets so long to come to its drawing. */
#define PATIENCE_NS (UINT64_C(1) * 1000 * 1000 * 1000)

enum { TEXT_BYTES = 256 };

/* ---- one loop's part ---- */

/* What a loop is asked for. Whoever comes second frees it: the loop, or who has waited in vain. */
typedef struct drawing {
    tr__runnable runnable;
    tr__gate gate;
    tr__picture picture;
    bool is_drawn; /* under the gate, both */
    bool is_abandoned;
} drawing;

static void free_drawing(drawing *d)
{
    tr__picture_clear(&d->picture);
    tr__gate_fini(&d->gate);
    tr__free(d);
}

static uint32_t run_draw(tr__runnable *runnable, tr__loop *loop)
{
    drawing *d = TR__CONTAINER_OF(runnable, drawing, runnable);
    bool is_abandoned;

    tr__gate_lock(&d->gate);
    is_abandoned = d->is_abandoned;
    if (!is_abandoned) {
        tr__picture_draw(&d->picture, loop);
        d->is_drawn = true;
        tr__gate_announce(&d->gate);
    }
    tr__gate_unlock(&d->gate);
    if (is_abandoned)
        free_drawing(d);
    return 1;
}

/* Ask a loop (from 1), or draw at once if it is the caller's. *out is NULL if the loop has quit:
 * nothing lives there. false: out of memory. */
static bool begin_drawing(drawing **out, uint32_t number)
{
    tr__loop *here = tr__loop_here();
    drawing *d = tr__alloc_zeroed(sizeof(*d));

    *out = d;
    if (d == NULL)
        return false;
    tr__gate_init(&d->gate);
    d->runnable.run = run_draw;
    if (here != NULL && here->number == number) {
        (void)run_draw(&d->runnable, here);
    } else if (!tr__loop_post(number, &d->runnable)) {
        free_drawing(d);
        *out = NULL;
    }
    return true;
}

/* false: the loop has not come to it. Takes the drawing. */
static bool end_drawing(drawing *d, tr__picture *into, uint64_t deadline_ns)
{
    bool is_drawn;

    tr__gate_lock(&d->gate);
    while (!d->is_drawn && tr__gate_wait(&d->gate, deadline_ns))
        ;
    is_drawn = d->is_drawn;
    d->is_abandoned = !is_drawn;
    if (is_drawn)
        tr__picture_merge(into, &d->picture);
    tr__gate_unlock(&d->gate);
    if (is_drawn)
        free_drawing(d);
    return is_drawn;
}

/* ---- all of them ---- */

typedef struct dump {
    FILE *out;
    int loops;
    bool *is_silent; /* loops that have not answered: they are asked no more */
} dump;

static void ask_all(const dump *d, drawing **asked, tr__picture *picture)
{
    for (int i = 0; i < d->loops; i++)
        if (!d->is_silent[i] && !begin_drawing(&asked[i], (uint32_t)i + 1))
            picture->is_short = true;
    if (tr__loop_here() != NULL)
        tr__loop_publish(tr__loop_here()); /* what was posted leaves at once */
}

/* false: out of memory, and it is not finished. */
static bool draw(const dump *d, tr__picture *picture)
{
    drawing **asked = tr__alloc_zeroed((size_t)d->loops * sizeof(drawing *));
    uint64_t deadline_ns;

    if (asked == NULL)
        return false;
    ask_all(d, asked, picture);
    deadline_ns = tr__now_ns() + PATIENCE_NS;
    for (int i = 0; i < d->loops; i++)
        if (asked[i] != NULL)
            d->is_silent[i] = !end_drawing(asked[i], picture, deadline_ns);
    tr__free(asked);
    return tr__picture_finish(picture);
}

/* false: it can't be said. */
static bool describe_loop(int loop, char *text, size_t text_bytes)
{
    bool is_there;

    /* So that it is not freed meanwhile. Who has the gate may be stopping the runtime, and wait for
     * this very thread: the watcher. */
    if (!tr__gate_try(&tr__runtime_gate))
        return false;
    is_there = loop < tr_loop_count(); /* it may have been stopped, and started with fewer */
    if (is_there)
        tr__upper_layer.describe(tr__runtime.loops[loop], text, text_bytes);
    tr__gate_unlock(&tr__runtime_gate);
    return is_there;
}

static void print_silent(const dump *d)
{
    char text[TEXT_BYTES];

    for (int i = 0; i < d->loops; i++)
        if (d->is_silent[i] && describe_loop(i, text, sizeof(text)))
            (void)fprintf(d->out, "  loop %d does not answer: %s\n", i, text);
        else if (d->is_silent[i])
            (void)fprintf(d->out, "  loop %d does not answer\n", i);
}

/* ---- cycles ----
 *
 * Loops draw at different moments, so that a picture may show a cycle that there never was. Hence
 * three pictures, each finished before the next is begun. Who stands in the first and the third as
 * in the second has not moved from the end of the first to the beginning of the third: neither
 * have those that it waits for in the second, and nobody gives away what he has while he waits. */

static void note_cycle(void *any, const tr__cycle *cycle)
{
    (void)cycle;
    *(bool *)any = true;
}

typedef struct look {
    FILE *out;
    const tr__picture *before;
    const tr__picture *now; /* that the cycles are of */
    const tr__picture *after;
} look;

static const char *verdict(const tr__cycle *cycle)
{
    if (cycle->is_guess)
        return "perhaps a deadlock";
    return cycle->has_limit ? "deadlock, for a while" : "deadlock";
}

static void print_cycle(void *arg, const tr__cycle *cycle)
{
    const look *l = arg;
    size_t shown = cycle->count < TR__CYCLE_MOST ? cycle->count : TR__CYCLE_MOST;

    if (!tr__cycle_stands_in(cycle, l->before) || !tr__cycle_stands_in(cycle, l->after))
        return;
    (void)fprintf(l->out, "%s: each of these waits for the next, and the last for the first\n",
                  verdict(cycle));
    for (size_t i = 0; i < shown; i++) {
        (void)fputs("  ", l->out);
        tr__figure_print(l->now, cycle->members[i], tr__now_ns(), l->out);
        (void)fputc('\n', l->out);
    }
    if (cycle->count > shown)
        (void)fprintf(l->out, "  and %zu more\n", cycle->count - shown);
}

/* false: out of memory. */
static bool print_cycles(const dump *d, const tr__picture *first)
{
    tr__picture second = { 0 };
    tr__picture third = { 0 };
    look l = { d->out, first, &second, &third };
    bool has_any = false;
    bool is_done = tr__cycles_find(first, note_cycle, &has_any);

    if (is_done && has_any)
        is_done = draw(d, &second) && draw(d, &third) && tr__cycles_find(&second, print_cycle, &l);
    is_done = is_done && !second.is_short && !third.is_short;
    tr__picture_clear(&second);
    tr__picture_clear(&third);
    return is_done;
}

/* ---- the public call ---- */

static uint64_t actors_of(const tr__picture *picture)
{
    uint64_t actors = 0;

    for (size_t i = 0; i < picture->crowd_count; i++)
        actors += picture->crowds[i].count;
    return actors;
}

/* false: out of memory, and not all was printed. */
static bool print(const dump *d)
{
    tr__picture picture = { 0 };
    bool is_done = draw(d, &picture);

    if (is_done) {
        (void)fprintf(d->out, "troupe: loops: %d, tasks: %zu, actors: %" PRIu64 "\n", d->loops,
                      picture.figure_count, actors_of(&picture));
        print_silent(d);
        tr__tree_print(&picture, tr__now_ns(), d->out);
        is_done = print_cycles(d, &picture) && !picture.is_short;
    }
    tr__picture_clear(&picture);
    return is_done;
}

/* 0, or what went wrong with writing. */
static int flush(FILE *out, bool had_error)
{
    errno = 0;
    if (fflush(out) == 0 && (had_error || ferror(out) == 0))
        return 0;
    return errno != 0 ? -errno : -EIO;
}

static int dump_all(dump *d)
{
    bool had_error = ferror(d->out) != 0;
    bool is_done;
    int rc;

    d->loops = tr_loop_count();
    if (d->loops == 0)
        return TR_ESHUTDOWN;
    d->is_silent = tr__alloc_zeroed((size_t)d->loops * sizeof(*d->is_silent));
    if (d->is_silent == NULL)
        return TR_ENOMEM;
    is_done = print(d);
    tr__free(d->is_silent);
    rc = flush(d->out, had_error);
    return rc == 0 && !is_done ? TR_ENOMEM : rc;
}

int tr_dump(FILE *out)
{
    static uint32_t in_use;
    dump d = { .out = out != NULL ? out : stderr };
    int rc = tr__loop_here() != NULL ? 0 : tr__runtime_check();

    if (rc < 0)
        return rc;
    /* ordered: one at a time. */
    if (!tr__cas_ordered_u32(&in_use, 0, 1))
        return TR_EBUSY;
    rc = dump_all(&d);
    /* release: the next one finds all of ours done. */
    tr__store_release_u32(&in_use, 0);
    return rc;
}
