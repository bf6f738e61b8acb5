/* testing_your_actor: an actor, and its tests in a simulation.
 *
 * The actor here fetches a page from a server, and tries again when the server is too slow: after 1
 * second, then 2, then 4; then it gives up. Such code is seldom tested, since it takes long, and
 * goes wrong only now and then. In a simulation (troupe-sim instead of troupe) all loops and
 * threads run in one thread, under a seed that decides who goes first at each step; and time is
 * virtual: the seconds that the actor waits take no time. A test runs under many seeds; one that
 * fails always fails, is shown with as few preemptions as possible, and can be run again in a
 * debugger:
 *
 *     TROUPE_SEED=1234 CK_FORK=no gdb ./a.out
 *
 * A probe is an inbox: the actor takes it for the server, and the test says what the server does.
 * (Akka: TestProbe and virtual time; tokio: pause() and advance(), on one thread.)
 *
 * At the end of each run nothing may be left: each message was handled or is a dead letter, all
 * actors and tasks have ended, and no memory or descriptor is held.
 *
 *   Build:   cc testing_your_actor.c $(pkg-config --cflags --libs troupe-sim check)
 *   Run:     ./a.out
 *   Prints:  what Check prints; its last line is
 *            100%: Checks: 3, Failures: 0, Errors: 0 */
#include <stdlib.h>
#include <troupe.h>
#include <troupe/check.h>
#include <troupe/sim.h>

/* ---- the actor ---- */

TR_MESSAGE(page)
{
    int number;
};
TR_REQUEST(get_page, page)
{
    int number;
};
TR_MESSAGE(fetched) /* to the reader, at last */
{
    int number; /* below 0: an error */
    int tries;
};
TR_NOTICE(try_again);

enum { PATIENCE_S = 3, TRIES_MAX = 4 };

typedef struct {
    tr_pid server;
    tr_pid reader;
    int number;
    int tries;
} fetcher;

static int ask_server(tr_self *self, fetcher *f)
{
    f->tries++;
    return tr_request(self, f->server, PATIENCE_S, 0, get_page, .number = f->number);
}

static int fetcher_init(tr_self *self, void *state, const void *args)
{
    fetcher *f = state;

    *f = *(const fetcher *)args;
    return ask_server(self, f);
}

static int end_with(tr_self *self, const fetcher *f, int number)
{
    int rc = tr_send(f->reader, fetched, .number = number, .tries = f->tries);

    return rc < 0 ? rc : tr_exit(self, 0);
}

static int fetcher_receive(tr_self *self, void *state, tr_msg *msg)
{
    fetcher *f = state;
    const struct tr_request_failed *failed;
    const struct page *p;

    if ((p = tr_as(msg, page)))
        return end_with(self, f, p->number);
    if (tr_is(msg, try_again))
        return ask_server(self, f);
    if (!(failed = tr_as(msg, tr_request_failed)))
        return TR_UNHANDLED;
    if (failed->error != TR_ETIMEDOUT || f->tries == TRIES_MAX)
        return end_with(self, f, failed->error);
    return tr_send_after(self, 1 << (f->tries - 1), 0, try_again);
}

static const tr_actor_class fetcher_class = {
    .name = "fetcher",
    .state_size = sizeof(fetcher),
    .args_size = sizeof(fetcher),
    .init = fetcher_init,
    .receive = fetcher_receive,
};

/* ---- what all its tests begin and end with ---- */

typedef struct {
    tr_inbox *server; /* probes: they stand for what the actor talks to */
    tr_inbox *reader;
} stage;

static stage set_up(int number)
{
    stage s;
    tr_pid pid;
    fetcher args = { .number = number };

    ck_assert_int_eq(tr_start(&(tr_config){ .loops = 2 }), 0);
    ck_assert_int_eq(tr_inbox_new(&s.server, 0), 0);
    ck_assert_int_eq(tr_inbox_new(&s.reader, 0), 0);
    args.server = tr_inbox_pid(s.server);
    args.reader = tr_inbox_pid(s.reader);
    ck_assert_int_eq(
        tr_spawn_with(&pid, &fetcher_class, &args, &(tr_spawn_options){ .on = TR_LOOP(1) }), 0);
    return s;
}

static void tear_down(stage s)
{
    tr_inbox_free(s.server);
    tr_inbox_free(s.reader);
    ck_assert_int_eq(tr_shutdown(10), 0);
}

/* The next request that the server gets; whoever asked can be answered later. */
static tr_asker next_request(stage s)
{
    tr_msg *msg;

    ck_assert_int_eq(tr_inbox_receive(s.server, &msg, 60), 0);
    ck_assert(tr_is(msg, get_page));
    return tr_msg_take_asker(msg);
}

/* ---- the tests: each is a program ---- */

static void answer_at_once(void *unused)
{
    stage s = set_up(5);
    const struct fetched *f;

    (void)unused;
    ck_assert_int_eq(tr_answer(next_request(s), page, .number = 5), 0);
    f = tr_sim_expect(s.reader, 1, fetched);
    ck_assert_int_eq(f->number, 5);
    ck_assert_int_eq(f->tries, 1);
    tear_down(s);
}

static void answer_the_third_time(void *unused)
{
    stage s = set_up(6);
    const struct fetched *f;

    (void)unused;
    (void)next_request(s); /* no answer */
    (void)next_request(s);
    ck_assert(tr_sim_now() >= PATIENCE_S + 1);
    ck_assert_int_eq(tr_answer(next_request(s), page, .number = 6), 0);
    ck_assert(tr_sim_now() >= 2 * PATIENCE_S + 1 + 2);
    f = tr_sim_expect(s.reader, 1, fetched);
    ck_assert_int_eq(f->number, 6);
    ck_assert_int_eq(f->tries, 3);
    tear_down(s);
}

static void never_answer(void *unused)
{
    stage s = set_up(7);
    const struct fetched *f;

    (void)unused;
    f = tr_sim_expect(s.reader, 60, fetched);
    ck_assert_int_eq(f->number, TR_ETIMEDOUT);
    ck_assert_int_eq(f->tries, TRIES_MAX);
    tr_sim_expect_nothing(s.reader, 3600);
    tear_down(s);
}

enum { SEEDS = 200 };

START_TEST(a_page_comes_at_once)
{
    ck_assert_int_eq(tr_sim_explore(answer_at_once, NULL, SEEDS, NULL), 0);
}
END_TEST

START_TEST(a_slow_server_is_asked_again)
{
    /* Threads that are late, or stand still for a while, change nothing. */
    const tr_sim_options options = { .late = 0.1, .stall = 0.02 };

    ck_assert_int_eq(tr_sim_explore(answer_the_third_time, NULL, SEEDS, &options), 0);
}
END_TEST

START_TEST(a_dead_server_is_given_up)
{
    ck_assert_int_eq(tr_sim_explore(never_answer, NULL, SEEDS, NULL), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("fetcher");
    TCase *tests = tcase_create("fetcher");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_set_timeout(tests, 0); /* a hang is found by the simulation */
    tcase_add_test(tests, a_page_comes_at_once);
    tcase_add_test(tests, a_slow_server_is_asked_again);
    tcase_add_test(tests, a_dead_server_is_given_up);
    suite_add_tcase(suite, tests);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
