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

/* Ask a loop (from 1), or draw at once if it is the caller's. NULL: out of memory, or it has quit.
 * */
static drawing *begin_drawing(uint32_t number)
{
    tr__loop *here = tr__loop_here();
    drawing *d = tr__alloc_zeroed(sizeof(*d));

    if (d == NULL)
        return NULL;
    tr__gate_init(&d->gate);
    d->runnable.run = run_draw;
    if (here != NULL && here->number == number) {
        (void)run_draw(&d->runnable, here);
    } else if (!tr__loop_post(number, &d->runnable)) {
        free_drawing(d);
        return NULL;
    }
    return d;
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
    tr__picture picture;
    bool *is_silent; /* loops that have not drawn */
    int loops;
} dump;

/* false: out of memory. */
static bool draw(dump *d, tr__picture *picture)
{
    drawing **asked = tr__alloc_zeroed((size_t)d->loops * sizeof(*asked));
    uint64_t deadline_ns;

    if (asked == NULL)
        return false;
    for (int i = 0; i < d->loops; i++) {
        asked[i] = begin_drawing((uint32_t)i + 1);
        picture->is_short |= asked[i] == NULL;
    }
    if (tr__loop_here() != NULL)
        tr__loop_publish(tr__loop_here()); /* what was posted leaves at once */
    deadline_ns = tr__now_ns() + PATIENCE_NS;
    for (int i = 0; i < d->loops; i++)
        d->is_silent[i] = asked[i] == NULL || !end_drawing(asked[i], picture, deadline_ns);
    tr__free(asked);
    return tr__picture_finish(picture);
}

static void print_silent(const dump *d)
{
    char text[TEXT_BYTES];

    for (int i = 0; i < d->loops; i++) {
        if (!d->is_silent[i])
            continue;
        tr__gate_lock(&tr__runtime_gate); /* it must not be freed meanwhile */
        if (tr__runtime.loops != NULL) {
            tr__upper_layer.describe(tr__runtime.loops[i], text, sizeof(text));
            (void)fprintf(d->out, "  loop %d does not answer: %s\n", i, text);
        }
        tr__gate_unlock(&tr__runtime_gate);
    }
}

/* ---- cycles ---- */

static void note_cycle(void *any, const tr__cycle *cycle)
{
    (void)cycle;
    *(bool *)any = true;
}

typedef struct second_look {
    const dump *d;
    const tr__picture *later;
} second_look;

static void print_cycle(void *arg, const tr__cycle *cycle)
{
    const second_look *look = arg;
    FILE *out = look->d->out;
    size_t shown = cycle->count < TR__CYCLE_MOST ? cycle->count : TR__CYCLE_MOST;

    if (!tr__cycle_persists(cycle, look->later))
        return;
    (void)fprintf(out, "%s: each of these waits for the next, and the last for the first\n",
                  cycle->is_guess ? "perhaps a deadlock" : "deadlock");
    for (size_t i = 0; i < shown; i++) {
        (void)fputs("  ", out);
        tr__figure_print(&look->d->picture, cycle->members[i], UINT64_MAX, out);
        (void)fputc('\n', out);
    }
    if (cycle->count > shown)
        (void)fprintf(out, "  and %zu more\n", cycle->count - shown);
}

/* Those that are there at a second look, too. false: out of memory. */
static bool print_cycles(dump *d)
{
    tr__picture later = { 0 };
    second_look look = { d, &later };
    bool has_any = false;
    bool is_done = tr__cycles_find(&d->picture, note_cycle, &has_any);

    if (is_done && has_any)
        is_done = draw(d, &later) && tr__cycles_find(&d->picture, print_cycle, &look);
    tr__picture_clear(&later);
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

static int print(dump *d)
{
    bool is_done = draw(d, &d->picture);

    if (is_done) {
        (void)fprintf(d->out, "troupe: loops: %d, tasks: %zu, actors: %" PRIu64 "\n", d->loops,
                      d->picture.figure_count, actors_of(&d->picture));
        print_silent(d);
        tr__tree_print(&d->picture, tr__now_ns(), d->out);
        is_done = print_cycles(d);
    }
    errno = 0;
    if (fflush(d->out) != 0)
        return errno != 0 ? -errno : -EIO;
    return is_done && !d->picture.is_short ? 0 : TR_ENOMEM;
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
    d.loops = tr_loop_count();
    d.is_silent = tr__alloc_zeroed((size_t)d.loops * sizeof(*d.is_silent));
    rc = d.is_silent != NULL ? print(&d) : TR_ENOMEM;
    tr__picture_clear(&d.picture);
    tr__free(d.is_silent);
    /* release: the next one finds all of ours done. */
    tr__store_release_u32(&in_use, 0);
    return rc;
}
