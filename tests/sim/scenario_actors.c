/* Scenarios of actors. */
#include "sim/scenarios.h"

/* ---- asks: from tasks, foreign threads and futures, near and far ---- */

/* An answer, or a reason why there is none. */
static void check_answer(int rc, const struct number *answer, int64_t asked)
{
    if (rc == 0)
        EXPECT(answer->value == asked + 1);
    else
        EXPECT(rc == TR_EDEAD || rc == TR_ECANCELED || rc == TR_ESHUTDOWN || rc == TR_ETIMEDOUT ||
               is_fine(rc));
}

struct ask_some_args {
    tr_pid to;
};

static int ask_some(void *arg)
{
    const struct ask_some_args *a = arg;
    struct number answer;

    for (int64_t i = 0; i < 5; i++) {
        int rc = tr_ask(&answer, a->to, once_in(2) ? 5 : TR_FOREVER, question, .value = i);

        check_answer(rc, &answer, i);
        if (once_in(3))
            (void)tr_yield(); /* cancelled: the next ask says so */
    }
    return 0;
}

static void *ask_from_outside(void *arg)
{
    const tr_pid *to = arg;
    struct number *value;
    struct number answer;
    tr_future *f;

    for (int64_t i = 0; i < 3; i++) {
        check_answer(tr_ask(&answer, *to, 5, question, .value = i), &answer, i);
        if (tr_ask_future(&f, *to, TR_FOREVER, question, .value = i) < 0)
            continue;
        if (once_in(3))
            (void)tr_future_cancel(f);
        (void)tr_future_wait(f, TR_FOREVER); /* its status is looked at */
        if (tr_future_take(f, (void **)&value) == 0 && value) {
            EXPECT(value->value == i + 1);
            free(value);
        }
        tr_future_unref(f);
    }
    return NULL;
}

static int ask_tree(void *arg)
{
    const tr_pid *to = arg;
    int rc = 0;

    TR_SCOPE(s, &rc) {
        for (int i = 0; i < 4; i++)
            tr_go_on(s, TR_LOOP(i % 2), ask_some, .to = to[i % 2]);
        if (once_in(3)) {
            (void)tr_sleep(1e-5);
            (void)tr_scope_cancel(s);
        }
    }
    return is_fine(rc) || rc == TR_ECANCELED ? 0 : rc;
}

void scenario_asks(void *arg)
{
    tr_pid to[2] = { { 0 }, { 0 } };
    tr_sim_thread *threads[2] = { NULL, NULL };
    tr_future *f;

    (void)arg;
    if (!begin(2))
        return;
    for (int i = 0; i < 2; i++)
        EXPECT_OK(
            tr_spawn_with(&to[i], &answerer_class, NULL, &(tr_spawn_options){ .on = TR_LOOP(i) }));
    for (int i = 0; i < 2; i++)
        EXPECT(tr_sim_thread_start(&threads[i], "asks", ask_from_outside, &to[i]) == 0);
    if (tr_submit(&f, TR_LOOP(0), ask_tree, to) == 0) {
        EXPECT_OK(tr_future_wait(f, TR_FOREVER));
        tr_future_unref(f);
    }
    if (once_in(2))
        (void)tr_stop(to[0]); /* it may never have been */
    for (int i = 0; i < 2; i++)
        (void)tr_sim_thread_join(threads[i]);
    finish();
}

/* ---- flood: order, limits, and policies ---- */

typedef struct flooded {
    int64_t last[4]; /* of each sender */
} flooded;

TR_MESSAGE(drop_of)
{
    int64_t sender;
    int64_t value;
};

static int flooded_receive(tr_self *self, void *state, tr_msg *msg)
{
    const struct drop_of *d = tr_as(msg, drop_of);
    flooded *f = state;

    (void)self;
    if (!d)
        return TR_UNHANDLED;
    EXPECT(d->value > f->last[d->sender]); /* some may be missing, none comes out of order */
    f->last[d->sender] = d->value;
    return 0;
}

enum { DROPS = 40 }; /* of each sender */

/* How many senders' last messages have come. */
static int ends_seen(const flooded *f)
{
    int seen = 0;

    for (int i = 0; i < 4; i++)
        seen += f->last[i] == DROPS;
    return seen;
}

static void unlimited_stop(tr_self *self, void *state, int reason)
{
    (void)self;
    (void)reason;
    EXPECT(ends_seen(state) == 4 || faults_are_on());
}

/* What was sent last of all was dropped for nothing newer. */
static void drop_old_stop(tr_self *self, void *state, int reason)
{
    (void)self;
    (void)reason;
    EXPECT(ends_seen(state) > 0 || faults_are_on());
}

static const tr_actor_class flooded_classes[] = {
    { .name = "unlimited",
      .state_size = sizeof(flooded),
      .receive = flooded_receive,
      .stop = unlimited_stop },
    { .name = "reject",
      .state_size = sizeof(flooded),
      .receive = flooded_receive,
      .mailbox_limit = 3 },
    { .name = "drop new",
      .state_size = sizeof(flooded),
      .receive = flooded_receive,
      .mailbox_limit = 3,
      .on_full = TR_FULL_DROP_NEW },
    { .name = "drop old",
      .state_size = sizeof(flooded),
      .receive = flooded_receive,
      .stop = drop_old_stop,
      .mailbox_limit = 3,
      .on_full = TR_FULL_DROP_OLD },
    { .name = "stop",
      .state_size = sizeof(flooded),
      .receive = flooded_receive,
      .mailbox_limit = 3,
      .on_full = TR_FULL_STOP },
};

typedef struct flooder {
    tr_pid to;
    int64_t number;
} flooder;

static int flood(void *arg)
{
    const flooder *f = arg;

    for (int64_t i = 1; i <= DROPS; i++) {
        (void)tr_send(f->to, drop_of, .sender = f->number, .value = i); /* all ends are allowed */
        if (once_in(8))
            (void)tr_yield(); /* nobody cancels it */
    }
    return 0;
}

static void *flood_from_outside(void *arg)
{
    (void)flood(arg);
    return NULL;
}

void scenario_flood(void *arg)
{
    size_t kind = tr_sim_random() % (sizeof(flooded_classes) / sizeof(flooded_classes[0]));
    tr_pid to = { 0 };
    flooder flooders[4];
    tr_future *tasks[2] = { NULL, NULL };
    tr_sim_thread *threads[2] = { NULL, NULL };

    (void)arg;
    if (!begin(2))
        return;
    EXPECT_OK(
        tr_spawn_with(&to, &flooded_classes[kind], NULL, &(tr_spawn_options){ .on = TR_LOOP(1) }));
    for (int i = 0; i < 4; i++)
        flooders[i] = (flooder){ .to = to, .number = i };
    for (int i = 0; i < 2; i++) {
        EXPECT_OK(tr_submit(&tasks[i], TR_LOOP(i), flood, &flooders[i]));
        EXPECT(tr_sim_thread_start(&threads[i], "floods", flood_from_outside, &flooders[2 + i]) ==
               0);
    }
    for (int i = 0; i < 2; i++) {
        (void)tr_sim_thread_join(threads[i]);
        if (tasks[i])
            EXPECT_OK(tr_future_wait(tasks[i], TR_FOREVER));
        tr_future_unref(tasks[i]);
    }
    let_pass(1); /* all has arrived, and was handled */
    finish();
}

/* ---- lanes: more than a chunk of parcels between two loops, both ways ---- */

enum { PARCELS = 1300 };

typedef struct lane_end {
    int64_t last;
} lane_end;

static int lane_end_receive(tr_self *self, void *state, tr_msg *msg)
{
    const struct number *n = tr_as(msg, number);
    lane_end *end = state;

    (void)self;
    if (!n)
        return TR_UNHANDLED;
    EXPECT(n->value == end->last + 1 || (n->value > end->last && faults_are_on()));
    end->last = n->value;
    return 0;
}

static void lane_end_stop(tr_self *self, void *state, int reason)
{
    (void)self;
    (void)reason;
    EXPECT(((lane_end *)state)->last == PARCELS || faults_are_on());
}

static const tr_actor_class lane_end_class = {
    .name = "lane end",
    .state_size = sizeof(lane_end),
    .receive = lane_end_receive,
    .stop = lane_end_stop,
};

static int fill_lane(void *arg)
{
    const tr_pid *to = arg;
    uint64_t at_a_time = 1 + tr_sim_random() % 300;

    for (int64_t i = 1; i <= PARCELS; i++) {
        (void)tr_send(*to, number, .value = i); /* without memory it is missing */
        if (once_in(at_a_time))
            (void)tr_yield(); /* nobody cancels it */
    }
    return 0;
}

void scenario_lanes(void *arg)
{
    tr_pid to[2] = { { 0 }, { 0 } };
    tr_future *tasks[2] = { NULL, NULL };

    (void)arg;
    if (!begin(2))
        return;
    for (int i = 0; i < 2; i++)
        EXPECT_OK(
            tr_spawn_with(&to[i], &lane_end_class, NULL, &(tr_spawn_options){ .on = TR_LOOP(i) }));
    for (int i = 0; i < 2; i++)
        EXPECT_OK(tr_submit(&tasks[i], TR_LOOP(i), fill_lane, &to[1 - i]));
    for (int i = 0; i < 2; i++) {
        if (tasks[i])
            EXPECT_OK(tr_future_wait(tasks[i], TR_FOREVER));
        tr_future_unref(tasks[i]);
    }
    let_pass(1); /* all has arrived, and was handled */
    finish();
}

/* ---- tenants: one after the other in the same slot; each gets its own messages only ---- */

struct tenant_args {
    int64_t mark;
};

static int tenant_init(tr_self *self, void *state, const void *args)
{
    (void)self;
    *(struct tenant_args *)state = *(const struct tenant_args *)args;
    return 0;
}

static int tenant_receive(tr_self *self, void *state, tr_msg *msg)
{
    const struct number *n = tr_as(msg, number);

    (void)self;
    if (!n)
        return TR_UNHANDLED;
    EXPECT(n->value == ((struct tenant_args *)state)->mark);
    return 0;
}

static const tr_actor_class tenant_class = {
    .name = "tenant",
    .args_size = sizeof(struct tenant_args),
    .state_size = sizeof(struct tenant_args),
    .init = tenant_init,
    .receive = tenant_receive,
};

static int let_rooms(void *arg)
{
    tr_pid tenants[8] = { { 0 } };

    (void)arg;
    for (int64_t mark = 0; mark < 8; mark++) {
        (void)tr_spawn_async(&tenants[mark], &tenant_class, &(struct tenant_args){ mark },
                             &(tr_spawn_options){ .on = TR_LOOP(tr_sim_random() % 2) });
        for (int64_t to = 0; to <= mark; to++)
            (void)tr_send(tenants[to], number, .value = to); /* it may have left */
        if (once_in(2))
            (void)tr_stop(tenants[mark]); /* it may not have come */
        if (once_in(2))
            (void)tr_yield(); /* nobody cancels it */
    }
    return 0;
}

void scenario_tenants(void *arg)
{
    tr_future *f = NULL;

    (void)arg;
    if (!begin(2))
        return;
    EXPECT_OK(tr_submit(&f, TR_LOOP(0), let_rooms, NULL));
    if (f)
        EXPECT_OK(tr_future_wait(f, TR_FOREVER));
    tr_future_unref(f);
    finish();
}

/* ---- spawning: trees of actors on all loops, stopped while they begin ---- */

typedef struct parent_args {
    int depth;
} parent_args;

static int parent_init(tr_self *self, void *state, const void *args);
static int parent_receive(tr_self *self, void *state, tr_msg *msg)
{
    (void)state;
    if (!tr_is(msg, number))
        return TR_UNHANDLED;
    return once_in(4) ? tr_exit(self, TR_EDEAD) : 0;
}

static const tr_actor_class parent_class = {
    .name = "parent",
    .args_size = sizeof(parent_args),
    .state_size = sizeof(parent_args),
    .init = parent_init,
    .receive = parent_receive,
};

static int parent_init(tr_self *self, void *state, const void *args)
{
    const parent_args *a = args;
    parent_args next = { .depth = a->depth - 1 };

    (void)self;
    (void)state;
    for (int i = 0; i < 2 && a->depth > 0; i++) {
        tr_pid child;
        int rc = tr_spawn_async(&child, &parent_class, &next,
                                &(tr_spawn_options){ .on = TR_LOOP(tr_sim_random() % 3) });

        EXPECT(rc == TR_ESHUTDOWN || is_fine(rc));
        if (rc == 0 && once_in(3))
            (void)tr_stop(child); /* it may not have begun */
        else if (rc == 0)
            (void)tr_send(child, number, .value = i); /* it may be gone */
    }
    return once_in(10) ? TR_EINVAL : 0;
}

void scenario_spawning(void *arg)
{
    tr_pid root;

    (void)arg;
    if (!begin(3))
        return;
    for (int i = 0; i < 3; i++) {
        int rc = tr_spawn_with(&root, &parent_class, &(parent_args){ .depth = 3 },
                               &(tr_spawn_options){ .place = TR_PLACE_SPREAD });

        EXPECT(rc == TR_EINVAL || is_fine(rc));
        if (rc == 0 && once_in(2))
            (void)tr_kill(root); /* it may have ended */
    }
    finish();
}

/* ---- timers: of actors, in virtual time ---- */

typedef struct clockwork {
    int ticks;
    double begun;
} clockwork;

static int clockwork_init(tr_self *self, void *state, const void *args)
{
    clockwork *c = state;

    (void)args;
    c->begun = tr_sim_now();
    EXPECT_OK(tr_send_every(self, 10, 1, number, .value = 1));
    EXPECT_OK(tr_send_after(self, 35, 2, number, .value = 2));
    if (once_in(2))
        (void)tr_timer_cancel(self, 2); /* there may be none */
    return 0;
}

static int clockwork_receive(tr_self *self, void *state, tr_msg *msg)
{
    const struct number *n = tr_as(msg, number);
    clockwork *c = state;

    if (!n)
        return TR_UNHANDLED;
    if (n->value == 2) {
        EXPECT(tr_sim_now() - c->begun >= 35);
        return 0;
    }
    c->ticks++;
    EXPECT(tr_sim_now() - c->begun >= 10 * c->ticks);
    return c->ticks == 5 ? tr_exit(self, 0) : 0;
}

static const tr_actor_class clockwork_class = {
    .name = "clockwork",
    .state_size = sizeof(clockwork),
    .init = clockwork_init,
    .receive = clockwork_receive,
};

void scenario_timers(void *arg)
{
    tr_pid pid;

    (void)arg;
    if (!begin(2))
        return;
    for (int i = 0; i < 4; i++)
        EXPECT_OK(tr_spawn_with(&pid, &clockwork_class, NULL,
                                &(tr_spawn_options){ .on = TR_LOOP(i % 2) }));
    let_pass(once_in(3) ? 25 : 3600);
    finish();
}

/* ---- inboxes: requests of foreign threads and tasks, closed in the middle ---- */

static int use_inbox(tr_inbox *in, tr_pid to)
{
    int answers = 0;

    for (uint64_t i = 1; i <= 4; i++)
        (void)tr_inbox_request(in, to, 3, i, question, .value = (int64_t)i); /* its failure comes */
    for (int i = 0; i < 4; i++) {
        const struct number *n;
        tr_msg *msg;
        int rc = tr_inbox_receive(in, &msg, 10);

        if (rc < 0)
            break;
        n = tr_as(msg, number);
        EXPECT(n == NULL || (uint64_t)n->value == tr_msg_tag(msg) + 1);
        answers++;
        if (once_in(8))
            break;
    }
    return answers;
}

static void *inbox_from_outside(void *arg)
{
    const tr_pid *to = arg;
    tr_inbox *in;

    if (tr_inbox_new(&in, 0) < 0)
        return NULL;
    (void)use_inbox(in, *to);
    tr_inbox_free(in);
    return NULL;
}

static int inbox_in_task(void *arg)
{
    (void)inbox_from_outside(arg);
    return 0;
}

void scenario_inboxes(void *arg)
{
    tr_pid to = { 0 };
    tr_sim_thread *thread;
    tr_future *f = NULL;

    (void)arg;
    if (!begin(2))
        return;
    EXPECT_OK(tr_spawn_with(&to, &answerer_class, NULL, &(tr_spawn_options){ .on = TR_LOOP(1) }));
    EXPECT(tr_sim_thread_start(&thread, "inbox", inbox_from_outside, &to) == 0);
    EXPECT_OK(tr_submit(&f, TR_LOOP(0), inbox_in_task, &to));
    if (once_in(3))
        (void)tr_stop(to); /* it may never have been */
    (void)tr_sim_thread_join(thread);
    if (f)
        EXPECT_OK(tr_future_wait(f, TR_FOREVER));
    tr_future_unref(f);
    finish();
}

/* ---- actors that await: one message at a time, stopped while they wait ---- */

typedef struct careful {
    bool is_busy;
} careful;

static int sleep_job(void *arg)
{
    (void)arg;
    return 0;
}

static int careful_receive(tr_self *self, void *state, tr_msg *msg)
{
    const struct question *q = tr_as(msg, question);
    careful *c = state;
    int rc;

    if (!q)
        return TR_UNHANDLED;
    EXPECT(!c->is_busy); /* never two at a time */
    c->is_busy = true;
    rc = tr_sleep(0.5);
    if (rc >= 0)
        rc = tr_to_thread(sleep_job, NULL);
    c->is_busy = false;
    return rc < 0 ? rc : tr_reply(self, number, .value = q->value + 1);
}

static void careful_stop(tr_self *self, void *state, int reason)
{
    (void)self;
    (void)reason;
    EXPECT(!((careful *)state)->is_busy);
    (void)tr_sleep(0.1); /* a last wait; it may be killed meanwhile */
}

static const tr_actor_class careful_class = {
    .name = "careful",
    .state_size = sizeof(careful),
    .receive = careful_receive,
    .stop = careful_stop,
    .awaits = true,
};

void scenario_awaiting_actors(void *arg)
{
    tr_pid to[2] = { { 0 }, { 0 } };
    tr_future *f = NULL;

    (void)arg;
    if (!begin(2))
        return;
    for (int i = 0; i < 2; i++)
        EXPECT_OK(
            tr_spawn_with(&to[i], &careful_class, NULL, &(tr_spawn_options){ .on = TR_LOOP(i) }));
    EXPECT_OK(tr_submit(&f, TR_LOOP(0), ask_tree, to));
    tr_sim_sleep(1.2);
    if (once_in(2))
        (void)(once_in(2) ? tr_stop(to[1]) : tr_kill(to[1])); /* it may never have been */
    if (f)
        EXPECT_OK(tr_future_wait(f, TR_FOREVER));
    tr_future_unref(f);
    finish();
}
