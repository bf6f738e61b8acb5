/* The actors' side of the runtime: what it calls through its layer table. */
#include "runtime/layer.h"

#include <stdio.h>
#include <string.h>

#include "actors/ask.h"
#include "actors/deliver.h"
#include "actors/end.h"
#include "actors/registry.h"
#include "actors/request.h"
#include "actors/spawn.h"
#include "runtime/pool.h"

enum { HIGH_WATER = 100000 };

/* What loops of this run that are gone have counted. Under the runtime's gate. */
static tr_stats past;

static int layer_start(void)
{
    int rc = tr__requests_prepare();

    if (rc == 0)
        rc = tr__table_open();
    past = (tr_stats){ 0 };
    if (rc == 0)
        tr__spawn_open();
    if (rc == 0)
        tr__registry_open();
    return rc;
}

static void layer_stop(void)
{
    tr__spawn_close();
    tr__registry_close();
    tr__table_close();
}

/* ---- loops ---- */

static void add_home(tr_stats *sum, const tr__home *home)
{
    const tr__ledger *ledger = &home->ledger;
    const tr__tally *tally = &home->loop.tally;

    /* relaxed: figures a moment old */
    sum->tasks_spawned += tr__load_relaxed_u64(&tally->tasks_spawned);
    sum->tasks_ended += tr__load_relaxed_u64(&tally->tasks_ended);       /* relaxed: as above */
    sum->jobs_submitted += tr__load_relaxed_u64(&tally->jobs_submitted); /* relaxed: as above */
    sum->jobs_run += tr__load_relaxed_u64(&tally->jobs_run);             /* relaxed: as above */
    sum->jobs_cancelled += tr__load_relaxed_u64(&tally->jobs_cancelled); /* relaxed: as above */
#define ADD(figure)                                                                                \
    sum->figure += tr__load_relaxed_u64(&ledger->figure) /* relaxed: a figure a moment old */
    ADD(sent);
    ADD(handled);
    ADD(returned);
    ADD(expired);
    ADD(dead_ended);
    ADD(dead_full);
    ADD(dead_unhandled);
    ADD(dead_shutdown);
    ADD(dead_memory);
    ADD(late_replies);
    ADD(spawned);
    ADD(ended);
#undef ADD
}

static int loop_init(tr__loop *loop)
{
    tr__home *home = tr__home_from(loop);

    home->high_water = HIGH_WATER;
    home->next_spread = (uint32_t)tr__dice(); /* loops that spread do not march in step */
    return 0;
}

static void loop_fini(tr__loop *loop)
{
    tr__home *home = tr__home_from(loop);

    add_home(&past, home);
    tr__free(home->named.chains);
}

/* Behind all that waited on the run queue when the shutdown began. */
static uint32_t run_halt(tr__runnable *runnable, tr__loop *loop)
{
    (void)runnable;
    tr__end_all(tr__home_from(loop), false);
    return 1;
}

/* Actors with messages get one more turn; then all end. */
static void halt(tr__loop *loop)
{
    tr__home *home = tr__home_from(loop);

    home->halt.run = run_halt;
    tr__loop_schedule(loop, &home->halt);
}

static bool is_halted(const tr__loop *loop)
{
    const tr__home *home = (const tr__home *)(const void *)loop;

    return home->alive == home->lasting;
}

/* Inboxes last: their threads hear what others said in their stop functions. */
static bool clear(tr__loop *loop)
{
    tr__home *home = tr__home_from(loop);

    tr__asker_close(home);
    if (home->alive != 0)
        tr__end_all(home, true);
    return home->alive == 0;
}

static void describe(const tr__loop *loop, char *text, size_t text_bytes)
{
    const tr__home *home = (const tr__home *)(const void *)loop;
    /* relaxed: a moment old; slots and classes are always there. */
    const tr_self *self = tr__load_relaxed_ptr(&home->frame.self);
    /* relaxed: as above. */
    const tr_actor_class *cls = self != NULL ? tr__load_relaxed_ptr(&self->cls) : NULL;

    if (cls != NULL)
        (void)snprintf(text, text_bytes, "actor <%u> (%s) has not returned from its handler",
                       (unsigned)tr__slot_index(self), cls->name);
    else
        (void)snprintf(text, text_bytes,
                       "a task or a callback has not returned, or tasks or actors are left");
}

/* ---- parcels ---- */

/* An actor that starts here, or elsewhere: a foreign thread's parcels enter at one loop. */
static bool arrive_start(tr__home *home, tr_pid pid, const tr__parcel *parcel)
{
    uint32_t number = tr__home_of(pid);
    tr_self *self = &tr__slots.slots[tr__pid_index(pid)];

    if (number != home->loop.number)
        return tr__loop_carry(&home->loop, number - 1, parcel) == 0;
    tr__home_adopt(home, self);
    tr__loop_schedule(&home->loop, &self->runnable);
    return true;
}

/* The functions below return false where there was no memory: it is tried again later. */

static bool arrive_small_here(tr__home *home, tr_pid to, const tr__parcel *parcel)
{
    tr_self *self = tr__slot_of(to);
    tr_msg *msg;
    int rc;

    if (TR__UNLIKELY(self == NULL)) {
        tr__bury_small(home, to, parcel->head, parcel->word, TR_EDEAD);
        return true;
    }
    msg = tr__slab_take(&home->loop.slab, 0);
    if (TR__UNLIKELY(msg == NULL))
        return false;
    msg->tr__head = parcel->head;
    msg->tr__from = parcel->from;
    memcpy(msg->tr__payload, parcel->word, sizeof(parcel->word));
    rc = tr__push_limited(home, self, msg);
    if (TR__UNLIKELY(rc < 0))
        tr__bury(home, to, msg, rc);
    return true;
}

static bool arrive_small(tr__home *home, tr_pid to, const tr__parcel *parcel)
{
    uint32_t number = tr__home_of(to);
    int rc;

    if (TR__LIKELY(number == home->loop.number))
        return arrive_small_here(home, to, parcel);
    rc = number != 0 ? tr__loop_carry(&home->loop, number - 1, parcel) : TR_EDEAD;
    if (rc < 0 && rc != TR_ENOMEM)
        tr__bury_small(home, to, parcel->head, parcel->word, rc);
    return rc != TR_ENOMEM;
}

static bool arrive_large(tr__home *home, tr_pid to, const tr__parcel *parcel)
{
    tr_msg *msg = (tr_msg *)(uintptr_t)parcel->word[0];
    int rc = tr__route(home, to, msg);

    if (rc < 0 && rc != TR_ENOMEM)
        tr__bury(home, to, msg, rc);
    return rc != TR_ENOMEM;
}

/* A request of an inbox, made by its thread, opened here where the inbox lives. */
static bool arrive_ask(tr__home *home, tr_pid asker, const tr__parcel *parcel)
{
    tr_msg *msg = (tr_msg *)(uintptr_t)parcel->word[0];
    uint32_t number = tr__home_of(asker);
    tr_self *self;

    if (number != home->loop.number && number != 0)
        return tr__loop_carry(&home->loop, number - 1, parcel) == 0;
    self = number != 0 ? tr__slot_of(asker) : NULL;
    if (self != NULL)
        return tr__request_open(home, self, (tr_pid){ parcel->word[1] }, msg) == 0;
    tr__msg_end(home, msg); /* nobody is left to hear of it */
    return true;
}

/* Stops, kills and failures of requests. */
static bool arrive_signal(tr__home *home, tr_pid to, const tr__parcel *parcel)
{
    uint32_t number = tr__home_of(to);
    tr_self *self;

    if (number != home->loop.number)
        return number == 0 || tr__loop_carry(&home->loop, number - 1, parcel) != TR_ENOMEM;
    self = tr__slot_of(to);
    if (tr__parcel_kind_of(parcel) == TR__PARCEL_FAIL)
        tr__request_fail(home, to, parcel->word[0], (int)(int64_t)parcel->word[1]);
    else if (self != NULL)
        tr__end_soon(home, self, (int)(int64_t)parcel->word[0]);
    return true;
}

static bool arrive(tr__loop *loop, const tr__parcel *parcel)
{
    tr__home *home = tr__home_from(loop);
    tr_pid to = { parcel->to };

    switch (tr__parcel_kind_of(parcel)) {
    case TR__PARCEL_SMALL:
        return arrive_small(home, to, parcel);
    case TR__PARCEL_LARGE:
        return arrive_large(home, to, parcel);
    case TR__PARCEL_START:
        return arrive_start(home, to, parcel);
    case TR__PARCEL_ASK:
        return arrive_ask(home, to, parcel);
    default:
        return arrive_signal(home, to, parcel);
    }
}

/* From a foreign thread, which has no ledger: what it sent is counted here. */
static bool enter(tr__loop *loop, const tr__parcel *parcel)
{
    tr__parcel_kind kind = tr__parcel_kind_of(parcel);
    bool is_done = arrive(loop, parcel);

    if (is_done && (kind == TR__PARCEL_SMALL || kind == TR__PARCEL_LARGE))
        tr__bump_u64(&tr__home_from(loop)->ledger.sent, 1);
    return is_done;
}

const tr__layer tr__upper_layer = {
    .loop_bytes = sizeof(tr__home),
    .start = layer_start,
    .stop = layer_stop,
    .loop_init = loop_init,
    .loop_fini = loop_fini,
    .arrive = arrive,
    .enter = enter,
    .halt = halt,
    .is_halted = is_halted,
    .clear = clear,
    .describe = describe,
};

/* ---- the ledger ---- */

int tr_stats_get_sized(tr_stats *out, size_t out_size)
{
    tr_stats sum;

    if (out == NULL || out_size == 0 || out_size > sizeof(sum))
        return TR_EINVAL;
    tr__gate_lock(&tr__runtime_gate);
    sum = past;
    tr__pools_add_stats(&sum);
    for (int i = 0; i < tr_loop_count(); i++)
        add_home(&sum, (const tr__home *)(const void *)tr__runtime.loops[i]);
    tr__gate_unlock(&tr__runtime_gate);
    memcpy(out, &sum, out_size);
    return 0;
}
