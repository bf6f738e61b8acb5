/* A program of the cookbook, as a user writes it, put to the test. It is compiled once for each of
 * them, with real threads and for simulations (COOKBOOK_SEEDS: under how many seeds). The program
 * is compiled with other names for two functions (cookbook.h): its main is sample_main here, which
 * calls run_sample in the place of tr_main. So its main task runs here in all ways that are wanted,
 * and may be cancelled.
 *
 * Cancellation at every await: the linker puts the functions below (__wrap_...) around all by which
 * a task of the program is suspended, also inside the library: so each place counts where it waits,
 * also the end of a scope, in its main task and in all others.
 *
 * Each run has a fresh folder, below that in which the test was started (see in_folder). */
#include <ftw.h>
#include <glob.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <troupe.h>
#include <unistd.h>

#include "support/suite.h"

#ifdef COOKBOOK_SEEDS
#include <troupe/sim.h>
#else
#include "support/kit.h"
#endif

int sample_main(int argc, char **argv);
int run_sample(int argc, char **argv, tr_task_fn fn, void *arg, const char *name,
               const tr_config *cfg, size_t cfg_size);

/* What must hold, anywhere; else the process ends, and says where. */
#define EXPECT(x) ((x) ? (void)0 : expect_failed(__LINE__, #x))

static void expect_failed(int line, const char *what)
{
    (void)fprintf(stderr, "%s:%d: this must hold, and does not: %s\n", __FILE__, line, what);
    abort();
}

/* ---- what it must print: its opening comment says so ---- */

enum { MOST_TEXT = 4096 };

static char promised[MOST_TEXT];

/* The line's text behind the margin of the comment; NULL: it is not of the promise. */
static char *promise_in(char *line, bool *has_begun)
{
    char *text = strstr(line, "Prints:  ");
    char *end = strstr(line, " */");

    if (end != NULL)
        memcpy(end, "\n", 2);
    if (text != NULL) {
        *has_begun = true;
        return text + strlen("Prints:  ");
    }
    return *has_begun ? line + strlen(" *            ") : NULL;
}

static void read_promise(void)
{
    char line[200];
    bool has_begun = false, is_over = false;
    FILE *source = fopen(COOKBOOK_SOURCE, "r");

    EXPECT(source != NULL);
    while (!is_over && fgets(line, sizeof(line), source) != NULL) {
        char *text;

        is_over = strstr(line, "*/") != NULL;
        text = promise_in(line, &has_begun);
        if (text != NULL) {
            EXPECT(strlen(promised) + strlen(text) < sizeof(promised));
            strcat(promised, text);
        }
    }
    EXPECT(fclose(source) == 0);
    EXPECT(strlen(promised) > 0);
}

/* ---- a run ---- */

/* How it is cancelled: at the n-th place where one of its tasks waits. */
typedef enum way {
    NEVER,
    AT_ONCE,    /* before it has begun */
    OWN_LOOP,   /* its own loop, while it waits */
    OTHER_LOOP, /* the other one, meanwhile */
    AFTERWARDS, /* when it goes on: its next await fails */
    WAYS
} way;

static way chosen;
static int chosen_wait;
static atomic_int waits; /* so far */
static atomic_bool is_counting;
static tr_future *victim; /* set before it counts */
static tr_event is_known;

static void cancel_victim(void *unused)
{
    (void)unused;
    (void)tr_future_cancel(victim); /* it may have ended */
}

/* Whether this wait is the one. Cancelling is posted: a task can't be cancelled between saying that
 * it waits, and waiting. */
static bool wait_begins(void)
{
    if (!atomic_load(&is_counting) || atomic_fetch_add(&waits, 1) + 1 != chosen_wait)
        return false;
    if (chosen == OWN_LOOP)
        EXPECT(tr_post(TR_LOOP(0), cancel_victim, NULL) == 0);
    else if (chosen == OTHER_LOOP)
        EXPECT(tr_post(TR_LOOP(1), cancel_victim, NULL) == 0);
    return true;
}

static void wait_has_ended(bool is_chosen)
{
    if (is_chosen && chosen == AFTERWARDS)
        cancel_victim(NULL);
}

#define AROUND(call)                                                                               \
    bool is_chosen = wait_begins();                                                                \
    int rc = (call);                                                                               \
                                                                                                   \
    wait_has_ended(is_chosen);                                                                     \
    return rc

struct tr__wait;
int __real_tr__wait_suspend(struct tr__wait *wait);
int __wrap_tr__wait_suspend(struct tr__wait *wait);
int __wrap_tr__wait_suspend(struct tr__wait *wait)
{
    AROUND(__real_tr__wait_suspend(wait));
}

int __real_tr_sleep(double seconds);
int __wrap_tr_sleep(double seconds);
int __wrap_tr_sleep(double seconds)
{
    AROUND(__real_tr_sleep(seconds));
}

int __real_tr_yield(void);
int __wrap_tr_yield(void);
int __wrap_tr_yield(void)
{
    AROUND(__real_tr_yield());
}

typedef struct program {
    tr_task_fn fn;
    void *arg;
} program;

static int run_program(void *arg)
{
    const program *p = arg;
    int rc;

    EXPECT(tr_event_wait(&is_known) == 0);
    if (chosen == AT_ONCE)
        cancel_victim(NULL);
    atomic_store(&is_counting, true);
    rc = p->fn(p->arg);
    atomic_store(&is_counting, false); /* nothing of it is left that could wait */
    return rc;
}

static int loops = 2;
static bool calls_may_fail;
static int result;

/* The runtime is there, and so is the task. */
static bool begin(program *p)
{
    /* Without guards, of which there are so many that may fail. */
    tr_config config = { .loops = loops, .stack_guards = calls_may_fail ? -1 : 0 };

    if ((result = tr_start(&config)) < 0)
        return false;
    if ((result = tr_submit(&victim, TR_LOOP(0), run_program, p)) == 0)
        return true;
    EXPECT(tr_shutdown(60) == 0);
    return false;
}

/* What the program takes for tr_main. */
int run_sample(int argc, char **argv, tr_task_fn fn, void *arg, const char *name,
               const tr_config *cfg, size_t cfg_size)
{
    program p = { fn, arg };
    tr_stats s;

    (void)argc, (void)argv, (void)name, (void)cfg_size;
    EXPECT(cfg == NULL);
    if (!begin(&p)) {
        EXPECT(calls_may_fail);
        return 0;
    }
    EXPECT(tr_event_set(&is_known) == 0);
    result = tr_future_wait(victim, TR_FOREVER);
    EXPECT(tr_shutdown(60) == 0);
    tr_future_unref(victim);
    EXPECT(tr_stats_get(&s) == 0);
    EXPECT(s.tasks_spawned == s.tasks_ended);
    EXPECT(s.jobs_submitted == s.jobs_run + s.jobs_cancelled);
    return 0;
}

/* ---- where it runs ---- */

static char folder[sizeof("run-XXXXXX")];

/* What was made before the test is there, by links. */
static void enter_folder(void)
{
    glob_t files;

    (void)strcpy(folder, "run-XXXXXX");
    EXPECT(mkdtemp(folder) != NULL);
    EXPECT(chdir(folder) == 0);
    EXPECT(glob("../*", 0, NULL, &files) == 0);
    for (size_t i = 0; i < files.gl_pathc; i++)
        if (strncmp(files.gl_pathv[i], "../run-", strlen("../run-")) != 0)
            EXPECT(symlink(files.gl_pathv[i], files.gl_pathv[i] + strlen("../")) == 0);
    globfree(&files);
}

static int remove_one(const char *path, const struct stat *unused, int kind, struct FTW *at)
{
    (void)unused, (void)kind, (void)at;
    return remove(path);
}

static void leave_folder(void)
{
    EXPECT(chdir("..") == 0);
    EXPECT(nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS) == 0);
}

static char *printed;

/* One run of the program, cancelled at its n-th wait; what it printed is there until the next. */
static void run_once(way how, int n)
{
    char *argv[] = { COOKBOOK_SOURCE, NULL };
    FILE *terminal = stdout;
    size_t size;

    chosen = how;
    chosen_wait = n;
    atomic_store(&waits, 0);
    is_known = (tr_event){ 0 };
    free(printed);
    stdout = open_memstream(&printed, &size);
    EXPECT(stdout != NULL);
    enter_folder();
    EXPECT(sample_main(1, argv) == 0);
    leave_folder();
    EXPECT(fclose(stdout) == 0);
    stdout = terminal;
}

/* ---- the tests ---- */

/* The system has more to say of sockets and files, also of a database's; and one side is told what
 * the other suffered. */
#ifdef COOKBOOK_NETWORK
#define OF_NETWORK 1
#else
#define OF_NETWORK 0
#endif

static int count_printed(const char *text)
{
    int count = 0;

    for (const char *at = printed; (at = strstr(at, text)) != NULL; at++)
        count++;
    return count;
}

static bool all_was_printed(void)
{
    return strcmp(printed, promised) == 0;
}

/* What has begun has been cleaned up, and nothing else has. */
static void expect_no_rest(void)
{
    EXPECT(count_printed(": opened\n") == count_printed(": closed\n"));
    EXPECT(count_printed("writing\n") == count_printed("cleaned up\n"));
}

static void print(void *unused)
{
    (void)unused;
    run_once(NEVER, 0);
    EXPECT(result >= 0);
    if (!all_was_printed())
        (void)fprintf(stderr, "promised:\n%sprinted:\n%s", promised, printed);
    EXPECT(all_was_printed());
}

static void cancel_once(way how, int n)
{
    run_once(how, n);
    EXPECT(result == TR_ECANCELED || (OF_NETWORK && result < 0) ||
           (result >= 0 && all_was_printed()));
    expect_no_rest();
}

/* What it computes may be there before its task has to wait. */
static bool may_wait_for_nothing(void)
{
    return strstr(COOKBOOK_SOURCE, "17_all_cores") != NULL ||
           strstr(COOKBOOK_SOURCE, "36_declared_data") != NULL ||
           strstr(COOKBOOK_SOURCE, "37_any_json") != NULL ||
           strstr(COOKBOOK_SOURCE, "41_for_each_item") != NULL;
}

static void cancel(void *unused)
{
    (void)unused;
    cancel_once(AT_ONCE, 0);
    for (int w = OWN_LOOP; w < WAYS; w++) {
        int n = 0;

        do
            cancel_once((way)w, ++n);
        while (atomic_load(&waits) >= n); /* else it had fewer */
        EXPECT(n > 1 || may_wait_for_nothing());
    }
}

#ifdef COOKBOOK_SEEDS
static void run(void (*fn)(void *arg))
{
    const tr_sim_options options = { .seed = 1, .late = 0.05, .stall = 0.01, .slow_job = 0.05 };

    ck_assert_int_eq(tr_sim_explore(fn, NULL, COOKBOOK_SEEDS, &options), 0);
}

/* One call fails, whichever it is: the program ends with that error, says so, or does all that it
 * promises; and it leaves nothing behind. */
static void run_short(void *unused)
{
    (void)unused;
    run_once(NEVER, 0);
    EXPECT(result >= 0 || result == TR_ENOMEM || result == TR_EAGAIN || result == -EMFILE ||
           OF_NETWORK);
    EXPECT(result < 0 || all_was_printed() || strstr(printed, tr_strerror(TR_ENOMEM)) != NULL ||
           OF_NETWORK);
    expect_no_rest();
}

START_TEST(it_ends_whatever_fails)
{
    calls_may_fail = true;
    for (uint64_t seed = 1; seed <= (OF_NETWORK ? 2 : 10); seed++) {
        tr_sim_figures figures = { .faults = 1 };

        for (uint64_t n = 1; figures.faults > 0; n++) {
            const tr_sim_options options = { .seed = seed, .fail_at = n };

            ck_assert_int_eq(tr_sim_run(run_short, NULL, &options, &figures), 0);
        }
    }
}
END_TEST

#define ONLY_SIMULATED , it_ends_whatever_fails

#else
static void run(void (*fn)(void *arg))
{
    int descriptors = kit_open_descriptors();

    fn(NULL);
    ck_assert_int_eq(kit_open_descriptors(), descriptors);
}

#define ONLY_SIMULATED
#endif

START_TEST(it_prints_what_it_promises)
{
    for (loops = 1; loops <= 3; loops++)
        run(print);
}
END_TEST

START_TEST(it_ends_wherever_it_is_cancelled)
{
    run(cancel);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = { it_prints_what_it_promises,
                                   it_ends_wherever_it_is_cancelled ONLY_SIMULATED };

    read_promise();
    return run_suite(COOKBOOK_SOURCE, 0, tests, (int)(sizeof(tests) / sizeof(tests[0])));
}
