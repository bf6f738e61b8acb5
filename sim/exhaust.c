/* See exhaust.h. A run is a sequence of decisions; the next run repeats all but the last of them
 * that had another way left, and takes that. */
#include "sim/exhaust.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/atomic.h"
#include "sim/run.h"
#include "sim/world.h"

enum { DECISIONS_MAX = 1 << 16, BUFFER_MAX = 16 };

typedef struct decision {
    uint32_t way;
    uint32_t ways;
} decision;

bool tr__exhausting;

static struct {
    decision *decisions;
    size_t made;    /* in the present run */
    size_t planned; /* of these, the first so many are given */
    int preemptions_left;
    int delays_left;
    bool is_paused;
} exhaust;

/* ---- decisions ---- */

static uint32_t decide(uint32_t ways)
{
    decision *d = &exhaust.decisions[exhaust.made];

    if (ways < 2 || exhaust.is_paused)
        return 0;
    TR_ASSERT(exhaust.made < DECISIONS_MAX);
    if (exhaust.made++ >= exhaust.planned)
        *d = (decision){ .way = 0, .ways = ways };
    return d->way;
}

uint32_t tr__exhaust_decide(uint32_t ways, bool is_preemption)
{
    uint32_t way = !is_preemption || exhaust.preemptions_left > 0 ? decide(ways) : 0;

    exhaust.preemptions_left -= is_preemption && way != 0;
    return way;
}

void tr__exhaust_pause(void)
{
    exhaust.is_paused = true;
}

void tr__exhaust_resume(void)
{
    exhaust.is_paused = false;
}

/* false: all ways have been gone. */
static bool plan_next(void)
{
    while (exhaust.made > 0) {
        decision *last = &exhaust.decisions[exhaust.made - 1];

        if (++last->way < last->ways) {
            exhaust.planned = exhaust.made;
            return true;
        }
        exhaust.made--;
    }
    return false;
}

/* ---- stores that wait ---- */

typedef struct waiting_store {
    void *to;
    uint64_t value;
    unsigned bytes;
    uint32_t thread;
} waiting_store;

static waiting_store buffer[BUFFER_MAX];
static size_t buffered;

static void commit(const waiting_store *s)
{
    switch (s->bytes) {
    case 2:
        *(uint16_t *)s->to = (uint16_t)s->value;
        break;
    case 4:
        *(uint32_t *)s->to = (uint32_t)s->value;
        break;
    default:
        memcpy(s->to, &s->value, s->bytes);
    }
}

bool tr__sim_delays_store(void *to, uint64_t value, unsigned bytes)
{
    uint32_t me;

    if (!tr__exhausting || !tr__sim.is_on)
        return false;
    me = tr__sim.current->number;
    for (size_t i = 0; i < buffered; i++)
        if (buffer[i].thread == me &&
            buffer[i].to == to) { /* stores to one place keep their order */
            buffer[i].value = value;
            return true;
        }
    if (exhaust.delays_left == 0 || buffered == BUFFER_MAX || decide(2) == 0)
        return false;
    exhaust.delays_left--;
    buffer[buffered++] = (waiting_store){ to, value, bytes, me };
    return true;
}

bool tr__sim_reads_own(const void *from, uint64_t *value)
{
    for (size_t i = 0; i < buffered; i++)
        if (buffer[i].thread == tr__sim.current->number && buffer[i].to == from) {
            *value = buffer[i].value;
            return true;
        }
    return false;
}

void tr__sim_drain(void)
{
    size_t kept = 0;

    for (size_t i = 0; i < buffered; i++) {
        if (buffer[i].thread == tr__sim.current->number)
            commit(&buffer[i]);
        else
            buffer[kept++] = buffer[i];
    }
    buffered = kept;
}

void tr__sim_drain_all(void)
{
    for (size_t i = 0; i < buffered; i++)
        commit(&buffer[i]);
    buffered = 0;
}

/* ---- runs ---- */

uint64_t tr__exhaust(void (*fn)(void *arg), void *arg, const tr__exhaust_options *options)
{
    static tr__sim_trace trace;
    const tr_sim_options usual = { .preempt = -1, .step_limit = 1000000 };
    uint64_t runs = 0;

    memset(&exhaust, 0, sizeof(exhaust));
    exhaust.decisions = calloc(DECISIONS_MAX, sizeof(*exhaust.decisions));
    if (exhaust.decisions == NULL)
        return 0;
    tr__sim_kept = &trace;
    do {
        trace.records = 0;
        exhaust.made = 0;
        exhaust.preemptions_left = options->preemptions;
        exhaust.delays_left = options->delays;
        exhaust.is_paused = false;
        tr__exhausting = true;
        (void)tr__sim_run_seed(fn, arg, &usual, 1); /* out of memory: it is a way without an end */
        tr__exhausting = false;
        runs++;
    } while (plan_next());
    tr__sim_kept = NULL;
    free(exhaust.decisions);
    return runs;
}
