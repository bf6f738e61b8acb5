/* Pictures that are drawn while everything moves: nothing is followed that is gone, and nobody is
 * said to be stuck who is not. */
#include "sync/drawn.h"
#include "sync/queues.h"

enum {
    MOVERS = 6,
    LOCKS = 3,
    ROUNDS = CASES_SIMULATED ? 12 : 400,
    PICTURES = CASES_SIMULATED ? 12 : 200
};

TR_MESSAGE(moved)
{
    int value;
};
TR_REQUEST(move, moved)
{
    tr_mutex *lock;
};

typedef struct world {
    tr_mutex locks[LOCKS];
    tr_rwlock rwlock;
    tr_semaphore semaphore;
    tr_queue *queue;
    tr_pid clerks[2];
    tr_future *movers[MOVERS];
} world;

typedef struct mover {
    world *w;
    int i;
} mover;

/* ---- what they do: none of it can get stuck ---- */

static void lock(tr_mutex *m, bool yields)
{
    EXPECT(tr_lock(m) == 0);
    if (yields)
        EXPECT(tr_yield() == 0);
    EXPECT(tr_unlock(m) == 0);
}

/* One after the other, in any order: a picture of several moments may show a circle. */
static void lock_each(world *w, int round)
{
    for (int i = 0; i < LOCKS; i++)
        lock(&w->locks[(round + i) % LOCKS], true);
}

static void lock_in_order(world *w, int round)
{
    (void)round;
    EXPECT(tr_lock(&w->locks[0]) == 0);
    lock(&w->locks[1], true);
    EXPECT(tr_lock(&w->locks[2]) == 0);
    EXPECT(tr_unlock(&w->locks[2]) == 0);
    EXPECT(tr_unlock(&w->locks[0]) == 0);
}

static void read_and_write(world *w, int round)
{
    EXPECT(tr_rwlock_read_lock(&w->rwlock) == 0);
    EXPECT(tr_rwlock_unlock(&w->rwlock) == 0);
    EXPECT(tr_rwlock_write_lock(&w->rwlock) == 0);
    lock(&w->locks[round % LOCKS], false);
    EXPECT(tr_rwlock_unlock(&w->rwlock) == 0);
    EXPECT(tr_semaphore_acquire(&w->semaphore) == 0);
    EXPECT(tr_yield() == 0);
    EXPECT(tr_semaphore_release(&w->semaphore) == 0);
}

static void pass_items(world *w, int round)
{
    int item = round;
    int which;

    EXPECT(tr_queue_put(w->queue, &item) == 0);
    if (round % 2 == 0)
        EXPECT(tr_queue_get(w->queue, &item) == 0);
    else
        EXPECT(tr_select(&which, tr_case_get(w->queue, &item), tr_case_sleep(1000)) == 0);
}

static int lock_first(void *arg)
{
    world *w = arg;
    int rc = tr_lock(&w->locks[0]);

    if (rc < 0)
        return rc; /* it was cancelled */
    rc = tr_yield();
    EXPECT(tr_unlock(&w->locks[0]) == 0);
    return rc;
}

static void have_children(world *w, int round)
{
    int rc;

    TR_SCOPE(s, &rc) {
        EXPECT(tr_scope_spawn(s, lock_first, w) == 0);
        EXPECT(tr_scope_spawn_on(s, TR_LOOP(round % 2), lock_first, w) == 0);
    }
    EXPECT(rc == 0);
}

static void await_others(world *w, int round)
{
    tr_future *fs[2];

    for (int i = 0; i < 2; i++)
        EXPECT(tr_submit(&fs[i], TR_LOOP((round + i) % 2), lock_first, w) == 0);
    if (round % 3 == 0)
        EXPECT(tr_gather(fs, 2, 0) == 0);
    else if (round % 3 == 1)
        EXPECT(tr_wait(fs, 2, TR_FIRST_COMPLETED, 1000) > 0);
    else
        (void)tr_future_cancel(fs[0]); /* it may have ended */
    for (int i = 0; i < 2; i++)
        (void)tr_await(fs[i]); /* it may have been cancelled */
    unref_all(fs, 2);
}

static int serve(tr_self *self, void *state, tr_msg *msg)
{
    (void)state;
    lock(tr_as(msg, move)->lock, true);
    return tr_reply(self, moved, 1);
}

static void ask_clerks(world *w, int round)
{
    struct moved answer;

    for (int i = 0; i < 2; i++)
        EXPECT(tr_ask(&answer, w->clerks[i], 1000, move, &w->locks[round % LOCKS]) == 0);
}

static int run_mover(void *arg)
{
    static void (*const steps[])(
        world * w, int round) = { lock_each,  lock_in_order, lock_each,    read_and_write,
                                  pass_items, have_children, await_others, ask_clerks };
    const mover *m = arg;

    for (int i = 0; i < ROUNDS; i++)
        steps[(i + m->i) % 8](m->w, i + m->i);
    return 0;
}

/* ---- and who looks at them ---- */

static void expect_nobody_stuck(void)
{
    char *text = draw();

    EXPECT_OF(text, count_lines(text, "deadlock*") == 0);
    free(text);
}

static void draw_often(void *unused)
{
    (void)unused;
    for (int i = 0; i < PICTURES; i++)
        expect_nobody_stuck();
}

static void draw_among_others(void)
{
    for (int i = 0; i < PICTURES; i++) {
        expect_nobody_stuck();
        EXPECT(tr_yield() == 0);
    }
}

static void draw_outside(void)
{
    foreign_end(foreign_start(draw_often, NULL));
}

static void expect_all_move(void (*look)(void))
{
    static const tr_actor_class clerks = { .name = "clerk", .receive = serve, .awaits = true };
    world w = { .semaphore = TR_SEMAPHORE_INIT(2), .queue = new_queue(2) };
    mover movers[MOVERS];

    for (int i = 0; i < 2; i++)
        EXPECT(tr_spawn_with(&w.clerks[i], &clerks, NULL,
                             &(tr_spawn_options){ .on = TR_LOOP(i) }) == 0);
    for (int i = 0; i < MOVERS; i++) {
        movers[i] = (mover){ &w, i };
        EXPECT(tr_submit(&w.movers[i], TR_LOOP(i % 2), run_mover, &movers[i]) == 0);
    }
    look();
    EXPECT(tr_gather(w.movers, MOVERS, 0) == 0);
    unref_all(w.movers, MOVERS);
    for (int i = 0; i < 2; i++)
        EXPECT(tr_stop(w.clerks[i]) == 0);
    free_queue(w.queue);
}

CASE(a_task_draws_others_that_move)
{
    expect_all_move(draw_among_others);
}

CASE(a_foreign_thread_draws_tasks_that_move)
{
    expect_all_move(draw_outside);
}

DEBUG_CASE(a_task_draws_others_that_move_in_debug_mode)
{
    expect_all_move(draw_among_others);
}

DEBUG_CASE(a_foreign_thread_draws_tasks_that_move_in_debug_mode)
{
    expect_all_move(draw_outside);
}

CASES("dump/motion", a_task_draws_others_that_move, a_foreign_thread_draws_tasks_that_move,
      a_task_draws_others_that_move_in_debug_mode,
      a_foreign_thread_draws_tasks_that_move_in_debug_mode)
