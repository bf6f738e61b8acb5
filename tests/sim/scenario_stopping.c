/* Stopping: actors that are stopped, killed and sent to at the same time, and a shutdown that ends
 * all of them. */
#include "sim/scenarios.h"

static struct {
    tr_pid pids[4];
    tr_inbox *witness;
    uint64_t spoken; /* to the witness */
} parting;

/* What blocks holds up its loop, and finds more in the inlet and the lanes afterwards. */
static void block_at_times(void)
{
    if (once_in(16))
        tr_sim_sleep((double)(tr_sim_random() % 1000) / 1e6);
}

/* Its last words go to another one, wherever that lives: they may be more than a loop takes in in
 * many turns. What it says to the witness is heard, for inboxes last. */
static void talker_stop(tr_self *self, void *state, int reason)
{
    tr_pid to = parting.pids[tr_sim_random() % 4];
    int words = once_in(8) ? 20000 : 4;

    (void)self;
    (void)state;
    (void)reason;
    for (int i = 0; i < words; i++)
        (void)tr_send(to, number, .value = i); /* it may be gone */
    block_at_times();
    if (parting.witness) {
        int rc = tr_send(tr_inbox_pid(parting.witness), number, .value = words);

        EXPECT_OK(rc);
        parting.spoken += rc == 0;
    }
}

/* When all is over. */
static void hear_witness(void)
{
    uint64_t heard = 0;
    tr_stats s;
    tr_msg *msg;

    while (parting.witness && tr_inbox_receive(parting.witness, &msg, 0) == 0)
        heard += tr_is(msg, number);
    EXPECT(tr_stats_get(&s) == 0);
    EXPECT(s.dead_memory > 0 ? heard <= parting.spoken : heard == parting.spoken);
    tr_inbox_free(parting.witness);
}

static int talker_receive(tr_self *self, void *state, tr_msg *msg)
{
    (void)self;
    (void)state;
    block_at_times();
    return tr_is(msg, number) ? 0 : TR_UNHANDLED;
}

/* One that thinks before it speaks: the loops wait for it, and refuse nothing meanwhile. */
static void thinker_stop(tr_self *self, void *state, int reason)
{
    (void)tr_sleep(0.01); /* it may be killed meanwhile */
    talker_stop(self, state, reason);
}

static const tr_actor_class talker_classes[] = {
    { .name = "talker", .receive = talker_receive, .stop = talker_stop },
    { .name = "thinker", .receive = talker_receive, .stop = thinker_stop, .awaits = true },
};

static void *send_until_refused(void *arg)
{
    int rc = 0;

    (void)arg;
    for (int i = 0; rc != TR_ESHUTDOWN; i++) {
        rc = tr_send(parting.pids[i % 4], number, .value = i); /* they may be gone */
        if (once_in(2))
            tr_sim_sleep(1e-4);
    }
    return NULL;
}

static void *stop_some(void *arg)
{
    const tr_pid *pids = arg;

    for (int i = 0; i < 4; i++) {
        (void)tr_send(pids[i], number, .value = i);               /* all ends are allowed */
        (void)(once_in(2) ? tr_stop(pids[i]) : tr_kill(pids[i])); /* it may be gone */
    }
    return NULL;
}

static int stop_some_in_task(void *arg)
{
    (void)stop_some(arg);
    return 0;
}

static void join_both(tr_sim_thread *const *threads)
{
    for (int i = 0; i < 2; i++)
        (void)tr_sim_thread_join(threads[i]);
}

static void stop_all(tr_sim_thread *const *threads)
{
    tr_future *f = NULL;

    EXPECT_OK(tr_submit(&f, TR_LOOP(1), stop_some_in_task, parting.pids));
    join_both(threads);
    if (f)
        EXPECT_OK(tr_future_wait(f, TR_FOREVER));
    tr_future_unref(f);
}

void scenario_stopping(void *arg)
{
    tr_sim_thread *threads[2];
    bool is_calm = once_in(2); /* only the shutdown stops them */

    (void)arg;
    parting.spoken = 0;
    if (!begin(2))
        return;
    EXPECT_OK(tr_inbox_new(&parting.witness, 0));
    for (int i = 0; i < 4; i++)
        EXPECT_OK(tr_spawn_with(&parting.pids[i], &talker_classes[once_in(2)], NULL,
                                &(tr_spawn_options){ .on = TR_LOOP(i % 2) }));
    for (int i = 0; i < 2; i++)
        EXPECT(tr_sim_thread_start(&threads[i], is_calm ? "sends" : "stops",
                                   is_calm ? send_until_refused : stop_some, parting.pids) == 0);
    if (is_calm)
        tr_sim_sleep((double)(tr_sim_random() % 5000) / 1e6); /* they are at it */
    else
        stop_all(threads);
    finish();
    if (is_calm)
        join_both(threads);
    hear_witness();
}
