/* Those who wait for each other in a circle, as tr_dump finds them; and nobody else. */
#include "sync/drawn.h"
#include "sync/queues.h"

/* ---- what is expected ---- */

/* That many circles of that kind, each of whose members is drawn, and then named once more. */
static void expect_circles(const char *verdict, int circles, const char *member, int members)
{
    char headline[128];
    char *text = draw();

    (void)snprintf(headline, sizeof(headline),
                   "%s: each of these waits for the next, and the last for the first", verdict);
    if (count_lines(text, headline) != circles || count_lines(text, member) != 2 * members)
        (void)fprintf(stderr, "wanted: %d, %s; %d, %s\n", circles, headline, members, member);
    EXPECT_OF(text, count_lines(text, "*deadlock*") == circles);
    EXPECT_OF(text, count_lines(text, headline) == circles);
    EXPECT_OF(text, count_lines(text, member) == 2 * members);
    free(text);
}

static void expect_none(void)
{
    expect_drawn("*deadlock*", 0);
}

/* Cancel tasks, of which some may end by themselves then. */
static void end_all(tr_future **fs, int n)
{
    for (int i = 0; i < n; i++)
        (void)tr_future_cancel(fs[i]);
    for (int i = 0; i < n; i++)
        (void)tr_await(fs[i]);
    unref_all(fs, n);
}

/* ---- a ring: each has a thing, and wants that of the next ---- */

enum { RING_MOST = 20 };

typedef struct ring {
    int n;
    tr_mutex mutexes[RING_MOST];
    tr_rwlock rwlocks[RING_MOST];
    tr_future *tasks[RING_MOST];
    tr_barrier all_have;
} ring;

typedef struct link {
    ring *ring;
    int i;
} link;

static int next_of(const link *l)
{
    return (l->i + 1) % l->ring->n;
}

static int lock_two(void *arg)
{
    const link *l = arg;
    tr_mutex *mine = &l->ring->mutexes[l->i];
    int rc;

    EXPECT(tr_lock(mine) == 0);
    EXPECT(tr_barrier_wait(&l->ring->all_have) >= 0);
    rc = tr_lock(&l->ring->mutexes[next_of(l)]);
    if (rc == 0)
        EXPECT(tr_unlock(&l->ring->mutexes[next_of(l)]) == 0);
    EXPECT(tr_unlock(mine) == 0);
    return rc;
}

static int lock_two_for_a_while(void *arg)
{
    int rc = 0;

    TR_DEADLINE(1000, &rc) {
        rc = lock_two(arg);
    }
    return rc;
}

static int write_and(const link *l, int (*lock)(tr_rwlock *lock))
{
    tr_rwlock *mine = &l->ring->rwlocks[l->i];
    int rc;

    EXPECT(tr_rwlock_write_lock(mine) == 0);
    EXPECT(tr_barrier_wait(&l->ring->all_have) >= 0);
    rc = lock(&l->ring->rwlocks[next_of(l)]);
    if (rc == 0)
        EXPECT(tr_rwlock_unlock(&l->ring->rwlocks[next_of(l)]) == 0);
    EXPECT(tr_rwlock_unlock(mine) == 0);
    return rc;
}

static int write_two(void *arg)
{
    return write_and(arg, tr_rwlock_write_lock);
}

static int write_and_read(void *arg)
{
    return write_and(arg, tr_rwlock_read_lock);
}

static int await_next(void *arg)
{
    const link *l = arg;

    EXPECT(tr_barrier_wait(&l->ring->all_have) >= 0);
    return tr_await(l->ring->tasks[next_of(l)]);
}

/* That many tasks, of which every second one is on the other loop if both_loops. */
static void expect_ring(tr_task_fn fn, int n, bool both_loops, const char *verdict,
                        const char *member)
{
    ring r = { .n = n, .all_have = TR_BARRIER_INIT((uint32_t)n + 1) };
    link links[RING_MOST];

    for (int i = 0; i < n; i++) {
        links[i] = (link){ &r, i };
        EXPECT(tr_submit(&r.tasks[i], TR_LOOP(both_loops && i % 2), fn, &links[i]) == 0);
    }
    EXPECT(tr_barrier_wait(&r.all_have) >= 0);
    let_both_run();
    expect_circles(verdict, 1, member, n);
    end_all(r.tasks, n);
    expect_none();
}

CASE(two_who_lock_in_another_order_are_found)
{
    expect_ring(lock_two, 2, false, "deadlock",
                "*'fn' of loop 0: awaits a mutex (0x*), and task 'fn' of loop 0 has it");
    expect_ring(lock_two, 2, true, "deadlock",
                "*'fn' of loop *: awaits a mutex (0x*), and task 'fn' of loop * has it");
}

CASE(three_in_a_circle_are_found)
{
    expect_ring(lock_two, 3, false, "deadlock", "*'fn'*: awaits a mutex*");
    expect_ring(lock_two, 3, true, "deadlock", "*'fn'*: awaits a mutex*");
}

CASE(a_circle_that_a_deadline_ends_is_one_for_a_while)
{
    expect_ring(lock_two_for_a_while, 2, true, "deadlock, for a while",
                "*'fn'*: awaits a mutex*; *.??? s left");
}

CASE(writers_in_a_circle_are_found)
{
    expect_ring(write_two, 2, false, "deadlock", "*'fn'*: awaits a lock, to write*");
    expect_ring(write_two, 2, true, "deadlock", "*'fn'*: awaits a lock, to write*");
    expect_ring(write_and_read, 3, true, "deadlock", "*'fn'*: awaits a lock, to read*");
}

CASE(tasks_that_await_each_other_are_found)
{
    expect_ring(await_next, 2, false, "deadlock", "*'fn'*: awaits a task*");
    expect_ring(await_next, 2, true, "deadlock", "*'fn'*: awaits a task*");
    expect_ring(await_next, 5, true, "deadlock", "*'fn'*: awaits a task*");
}

CASE(of_a_circle_that_is_too_long_the_first_are_named)
{
    ring r = { .n = 20, .all_have = TR_BARRIER_INIT(21) };
    link links[RING_MOST];
    char *text;

    for (int i = 0; i < r.n; i++) {
        links[i] = (link){ &r, i };
        EXPECT(tr_submit(&r.tasks[i], TR_LOOP(i % 2), lock_two, &links[i]) == 0);
    }
    EXPECT(tr_barrier_wait(&r.all_have) >= 0);
    let_both_run();
    text = draw();
    EXPECT_OF(text, count_lines(text, "*'lock_two'*: awaits a mutex*") == 20 + 16);
    EXPECT_OF(text, count_lines(text, "  and 4 more") == 1);
    free(text);
    end_all(r.tasks, r.n);
}

/* ---- parents and children ---- */

static int want(void *m)
{
    int rc = tr_lock(m);

    if (rc == 0)
        EXPECT(tr_unlock(m) == 0);
    return rc;
}

typedef struct family {
    tr_mutex lock;
    int childs_loop;
} family;

static int lock_and_join(void *arg)
{
    family *f = arg;
    int rc;

    EXPECT(tr_lock(&f->lock) == 0);
    TR_SCOPE(s, &rc) {
        EXPECT(tr_scope_spawn(s, sleep_for_ever, NULL) == 0);
        EXPECT(tr_scope_spawn_on(s, TR_LOOP(f->childs_loop), want, &f->lock) == 0);
    }
    EXPECT(tr_unlock(&f->lock) == 0);
    return rc;
}

CASE(a_parent_that_joins_children_who_want_its_lock_is_found)
{
    for (int i = 0; i < 4; i++) {
        family f = { .childs_loop = i / 2 };
        tr_future *parent;

        EXPECT(tr_submit(&parent, TR_LOOP(i % 2), lock_and_join, &f) == 0);
        let_both_run();
        expect_circles("deadlock", 1, "*'lock_and_join'*: awaits its children", 1);
        expect_drawn("*'want'*: awaits a mutex*", 2);
        end_all(&parent, 1);
    }
}

/* Joins the inner scope, whose child ends; only then the other. */
static int join_inside(void *arg)
{
    family *f = arg;
    int rc;

    TR_SCOPE(s, &rc) {
        int inner;

        EXPECT(tr_lock(&f->lock) == 0);
        EXPECT(tr_scope_spawn_on(s, TR_LOOP(f->childs_loop), want, &f->lock) == 0);
        TR_SCOPE(t, &inner) {
            EXPECT(tr_scope_spawn(t, sleep_for_ever, NULL) == 0);
        }
        EXPECT(tr_unlock(&f->lock) == 0);
    }
    return rc;
}

CASE(children_of_a_scope_that_is_not_joined_yet_do_not_count)
{
    for (int i = 0; i < 4; i++) {
        family f = { .childs_loop = i / 2 };
        tr_future *parent;

        EXPECT(tr_submit(&parent, TR_LOOP(i % 2), join_inside, &f) == 0);
        let_both_run();
        expect_drawn("*'want'*: awaits a mutex*", 1);
        expect_none();
        end_all(&parent, 1);
    }
}

/* ---- actors that await ---- */

TR_MESSAGE(circle_answer)
{
    int value;
};
TR_REQUEST(circle_question, circle_answer)
{
    tr_mutex *lock;       /* to be taken; NULL */
    tr_pid other;         /* to be asked */
    tr_barrier *all_here; /* to be waited at first; NULL */
};

static int handle_question(tr_self *self, void *state, tr_msg *msg)
{
    const struct circle_question *q = tr_as(msg, circle_question);
    struct circle_answer answer;
    int rc;

    (void)state;
    if (q == NULL)
        return TR_UNHANDLED;
    if (q->all_here != NULL)
        EXPECT(tr_barrier_wait(q->all_here) >= 0);
    rc = q->lock != NULL
             ? want(q->lock)
             : tr_ask(&answer, q->other, TR_FOREVER, circle_question, NULL, TR_PID_NONE, NULL);
    return rc < 0 ? tr_reply_error(self, rc) : tr_reply(self, circle_answer, 1);
}

static tr_pid spawn_awaiting(int loop)
{
    static const tr_actor_class cls = { .name = "clerk",
                                        .receive = handle_question,
                                        .awaits = true };
    tr_pid pid;

    EXPECT(tr_spawn_with(&pid, &cls, NULL, &(tr_spawn_options){ .on = TR_LOOP(loop) }) == 0);
    return pid;
}

typedef struct errand_to {
    tr_mutex lock;
    tr_pid clerk;
} errand_to;

static int lock_and_ask(void *arg)
{
    errand_to *e = arg;
    struct circle_answer answer;
    int rc;

    EXPECT(tr_lock(&e->lock) == 0);
    rc = tr_ask(&answer, e->clerk, TR_FOREVER, circle_question, &e->lock, TR_PID_NONE, NULL);
    EXPECT(tr_unlock(&e->lock) == 0);
    return rc;
}

CASE(a_task_that_asks_an_actor_which_waits_for_its_lock_is_found)
{
    for (int i = 0; i < 4; i++) {
        errand_to e = { .clerk = spawn_awaiting(i / 2) };
        tr_future *f;

        EXPECT(tr_submit(&f, TR_LOOP(i % 2), lock_and_ask, &e) == 0);
        let_both_run();
        expect_circles("deadlock", 1,
                       "*'lock_and_ask'*: awaits an answer, and actor <*> (clerk) of loop ? is to "
                       "answer",
                       1);
        expect_drawn("*actor <*> (clerk) of loop ?: awaits a mutex (0x*), and task 'lock_and_ask' "
                     "of loop ? has it",
                     2);
        end_all(&f, 1);
        let_both_run();
        EXPECT(tr_stop(e.clerk) == 0);
        let_both_run();
    }
}

typedef struct circle {
    tr_pid clerks[2];
    tr_barrier both_here;
} circle;

static int ask_one_to_ask(circle *c, int i)
{
    struct circle_answer answer;

    return tr_ask(&answer, c->clerks[i], TR_FOREVER, circle_question, NULL, c->clerks[1 - i],
                  &c->both_here);
}

static int ask_first(void *arg)
{
    return ask_one_to_ask(arg, 0);
}

static int ask_second(void *arg)
{
    return ask_one_to_ask(arg, 1);
}

CASE(actors_of_two_loops_that_ask_each_other_are_found)
{
    circle c = { { spawn_awaiting(0), spawn_awaiting(1) }, TR_BARRIER_INIT(2) };
    tr_future *fs[2];

    EXPECT(tr_submit(&fs[0], TR_LOOP(0), ask_first, &c) == 0);
    EXPECT(tr_submit(&fs[1], TR_LOOP(1), ask_second, &c) == 0);
    let_both_run();
    expect_circles("deadlock", 1,
                   "  actor <*> (clerk) of loop ?: awaits an answer, and actor <*> (clerk) of loop "
                   "? is to answer",
                   2);
    EXPECT(tr_stop(c.clerks[0]) == 0);
    EXPECT(tr_stop(c.clerks[1]) == 0);
    end_all(fs, 2);
}

/* ---- queues: in debug mode it is known who used them last ---- */

typedef struct talk {
    tr_queue *from;
    tr_queue *to;
} talk;

/* Two words there and back, and then both wait for a third. */
static int listen(void *arg)
{
    const talk *t = arg;
    int item = 0;
    int rc = 0;

    for (int i = 0; rc == 0; i++) {
        if (i < 2)
            EXPECT(tr_queue_put(t->to, &item) == 0);
        rc = tr_queue_get(t->from, &item);
    }
    return rc;
}

static void expect_talk(bool both_loops, int circles)
{
    tr_queue *a = new_queue(4);
    tr_queue *b = new_queue(4);
    talk talks[2] = { { a, b }, { b, a } };
    tr_future *fs[2];

    for (int i = 0; i < 2; i++)
        EXPECT(tr_submit(&fs[i], TR_LOOP(both_loops && i), listen, &talks[i]) == 0);
    for (int i = 0; i < 5; i++)
        let_both_run();
    expect_drawn("*deadlock*", circles);
    if (circles > 0)
        expect_circles("perhaps a deadlock", 1,
                       "*'listen'*: awaits an item of a queue (0x*), and task 'listen' of loop ? "
                       "may give it",
                       2);
    end_all(fs, 2);
    free_queue(a);
    free_queue(b);
}

DEBUG_CASE(two_who_wait_for_each_others_items_may_be_stuck)
{
    expect_talk(false, 1);
    expect_talk(true, 1);
}

CASE(without_debug_mode_it_is_not_known_who_may_put)
{
    expect_talk(false, 0);
}

/* ---- what is no circle ---- */

static int lock_and_sleep(void *m)
{
    int rc;

    EXPECT(tr_lock(m) == 0);
    rc = sleep_for_ever(NULL);
    EXPECT(tr_unlock(m) == 0);
    return rc;
}

CASE(a_lock_whose_holder_sleeps_is_no_deadlock)
{
    tr_mutex m = { 0 };
    tr_future *fs[3];

    EXPECT(tr_submit(&fs[0], TR_LOOP(0), lock_and_sleep, &m) == 0);
    let_both_run();
    EXPECT(tr_submit(&fs[1], TR_LOOP(0), want, &m) == 0);
    EXPECT(tr_submit(&fs[2], TR_LOOP(1), want, &m) == 0);
    let_both_run();
    expect_drawn("*'want'*: awaits a mutex*, and task 'lock_and_sleep' of loop 0 has it", 2);
    expect_none();
    end_all(fs, 3);
}

CASE(a_chain_that_has_an_end_is_no_deadlock)
{
    ring r = { .n = RING_MOST, .all_have = TR_BARRIER_INIT(RING_MOST) };
    link links[RING_MOST];

    /* The last one's lock is had by this task, which waits for no lock. */
    EXPECT(tr_lock(&r.mutexes[RING_MOST - 1]) == 0);
    for (int i = 0; i < r.n - 1; i++) {
        links[i] = (link){ &r, i };
        EXPECT(tr_submit(&r.tasks[i], TR_LOOP(i % 2), lock_two, &links[i]) == 0);
    }
    EXPECT(tr_barrier_wait(&r.all_have) >= 0);
    let_both_run();
    expect_drawn("*'lock_two'*: awaits a mutex*", RING_MOST - 1);
    expect_none();
    EXPECT(tr_unlock(&r.mutexes[RING_MOST - 1]) == 0);
    end_all(r.tasks, r.n - 1);
}

typedef struct choice {
    tr_mutex lock;
    tr_future *fs[2]; /* a task that wants the lock, and an open future */
    tr_event ready;   /* fs are */
    tr_event other;
    int (*wait)(struct choice *c);
} choice;

static int choose_task_or_event(choice *c)
{
    int which;

    return tr_select(&which, tr_case_event(&c->other), tr_case_future(c->fs[0]));
}

static int choose_task_or_time(choice *c)
{
    int which;

    return tr_select(&which, tr_case_future(c->fs[0]), tr_case_sleep(1000));
}

static int choose_task(choice *c)
{
    int which;

    return tr_select(&which, tr_case_future(c->fs[0]));
}

static int race(choice *c)
{
    return tr_race(NULL, c->fs, 2);
}

static int race_alone(choice *c)
{
    return tr_race(NULL, c->fs, 1);
}

static int wait_for_both(choice *c)
{
    return tr_wait(c->fs, 2, TR_ALL_COMPLETED, TR_FOREVER);
}

static int lock_and_choose(void *arg)
{
    choice *c = arg;
    int rc;

    EXPECT(tr_lock(&c->lock) == 0);
    EXPECT(tr_event_wait(&c->ready) == 0);
    rc = c->wait(c);
    EXPECT(tr_unlock(&c->lock) == 0);
    return rc;
}

static void expect_choice(int (*wait)(choice *c), int circles)
{
    for (int i = 0; i < 4; i++) {
        choice c = { .wait = wait };
        tr_future *f;

        EXPECT(tr_submit(&f, TR_LOOP(i % 2), lock_and_choose, &c) == 0);
        let_both_run();
        EXPECT(tr_submit(&c.fs[0], TR_LOOP(i / 2), want, &c.lock) == 0);
        c.fs[1] = open_future(0);
        EXPECT(tr_event_set(&c.ready) == 0);
        let_both_run();
        expect_drawn("deadlock: *", circles);
        expect_drawn("*deadlock*", circles);
        end_all(&f, 1);
        end_all(c.fs, 2);
    }
}

CASE(who_chooses_has_another_way_out)
{
    expect_choice(choose_task_or_event, 0);
    expect_choice(choose_task_or_time, 0);
    expect_choice(race, 0);
}

CASE(who_has_but_one_way_out_or_needs_all_has_no_other)
{
    expect_choice(choose_task, 1);
    expect_choice(race_alone, 1);
    expect_choice(wait_for_both, 1);
}

CASES("dump/cycles", two_who_lock_in_another_order_are_found, three_in_a_circle_are_found,
      a_circle_that_a_deadline_ends_is_one_for_a_while, writers_in_a_circle_are_found,
      tasks_that_await_each_other_are_found, of_a_circle_that_is_too_long_the_first_are_named,
      a_parent_that_joins_children_who_want_its_lock_is_found,
      children_of_a_scope_that_is_not_joined_yet_do_not_count,
      a_task_that_asks_an_actor_which_waits_for_its_lock_is_found,
      actors_of_two_loops_that_ask_each_other_are_found,
      two_who_wait_for_each_others_items_may_be_stuck,
      without_debug_mode_it_is_not_known_who_may_put, a_lock_whose_holder_sleeps_is_no_deadlock,
      a_chain_that_has_an_end_is_no_deadlock, who_chooses_has_another_way_out,
      who_has_but_one_way_out_or_needs_all_has_no_other)
