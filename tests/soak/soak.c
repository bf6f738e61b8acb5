/* Everything at once, for long, with real threads: actors that are spawned, asked and stopped;
 * trees of tasks that are cancelled; jobs; futures; timers; foreign threads; and again and again a
 * whole shutdown and a new start. In every other round allocations, mappings, thread starts and
 * system calls fail now and then. What is watched: the ledger after each shutdown, descriptors,
 * threads, and resident memory, which must not grow for ever.
 *
 *   soak [MINUTES] [--loops N] [--seed S]    exit status 0: nothing was lost, nothing grew */
#include <dirent.h>
#include <getopt.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <troupe.h>
#include <unistd.h>

#include "base/seam.h"

enum { FOREIGN_THREADS = 3, ROUND_S = 5, TREES = 8, WARM_ROUNDS = 3 };

/* ---- chance: Vigna's splitmix64, one for each thread ---- */

static uint64_t seed;
static _Thread_local uint64_t dice;

static uint64_t chance(void)
{
    uint64_t z;

    if (dice == 0)
        dice = __atomic_add_fetch(&seed, UINT64_C(0x632be59bd9b4e019), __ATOMIC_RELAXED);
    z = (dice += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static bool once_in(uint64_t n)
{
    return chance() % n == 0;
}

/* ---- what must hold ---- */

#define MUST(x) ((x) ? (void)0 : give_up(__LINE__, #x))

static _Noreturn void give_up(int line, const char *what)
{
    (void)fprintf(stderr, "\nsoak: line %d: this must hold, and does not: %s\n", line, what);
    abort();
}

static double now_s(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now); /* it exists */
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Bytes of resident memory. */
static int64_t resident(void)
{
    long pages = 0, ignored;
    FILE *file = fopen("/proc/self/statm", "r");

    MUST(file != NULL && fscanf(file, "%ld %ld", &ignored, &pages) == 2);
    (void)fclose(file); /* only read */
    return (int64_t)pages * sysconf(_SC_PAGESIZE);
}

static int entries_of(const char *path)
{
    DIR *folder = opendir(path);
    int count = 0;

    MUST(folder != NULL);
    while (readdir(folder))
        count++;
    (void)closedir(folder); /* ours */
    return count;
}

/* ---- actors ---- */

TR_MESSAGE(answer)
{
    uint64_t value;
};
TR_REQUEST(question, answer)
{
    uint64_t value;
    char padding[40];
};
TR_MESSAGE(word)
{
    uint64_t value;
};

static int receive(tr_self *self, void *state, tr_msg *msg)
{
    const struct question *q = tr_as(msg, question);

    (void)state;
    if (q)
        return once_in(50) ? 0 : tr_reply(self, answer, .value = q->value + 1); /* 0: no answer */
    if (!tr_is(msg, word))
        return TR_UNHANDLED;
    if (once_in(200))
        return tr_exit(self, 0);
    return once_in(20) ? tr_send_after(self, 0.001, 0, word, .value = 1) : 0;
}

static int receive_slowly(tr_self *self, void *state, tr_msg *msg)
{
    const struct question *q = tr_as(msg, question);
    int rc = once_in(4) ? tr_sleep(0.001) : 0;

    (void)state;
    if (rc < 0 || !q)
        return rc < 0 ? rc : tr_is(msg, word) ? 0 : TR_UNHANDLED;
    return tr_reply(self, answer, .value = q->value + 1);
}

static const tr_actor_class classes[] = {
    { .name = "quick", .receive = receive },
    { .name = "careful", .receive = receive_slowly, .awaits = true },
    { .name = "limited", .receive = receive, .mailbox_limit = 8, .on_full = TR_FULL_DROP_OLD },
};

static tr_pid some_actor(void)
{
    tr_pid pid = TR_PID_NONE;

    (void)tr_spawn_with(&pid, &classes[chance() % 3], NULL,
                        &(tr_spawn_options){ .place = TR_PLACE_SPREAD }); /* a shutdown: none */
    return pid;
}

/* ---- tasks, jobs, futures ---- */

static int do_job(void *arg)
{
    uint64_t *sum = arg;

    for (int i = 0; i < 100; i++)
        *sum += chance() >> 40;
    return tr_cancelled() ? TR_ECANCELED : 0;
}

static int use_everything(void)
{
    tr_pid pid = some_actor();
    struct answer a;
    uint64_t sum = 0;
    tr_future *f;
    int rc;

    (void)tr_send(pid, word, .value = 1); /* it may be none */
    rc = tr_ask(&a, pid, once_in(2) ? 0.01 : TR_FOREVER, question, .value = 7);
    MUST(rc < 0 || a.value == 8);
    if (once_in(2))
        rc = tr_to_thread(do_job, &sum);
    if (once_in(2) && tr_ask_future(&f, pid, 0.01, question, .value = 1) == 0) {
        if (once_in(2))
            (void)tr_future_cancel(f); /* it may have ended */
        (void)tr_await(f);             /* all ends are allowed */
        tr_future_unref(f);
    }
    if (once_in(2))
        rc = tr_sleep(0.0005);
    (void)tr_stop(pid); /* it may be gone */
    return rc == TR_ECANCELED ? rc : 0;
}

struct node_args {
    int depth;
};

static int node(void *arg)
{
    const struct node_args *a = arg;
    int rc = 0;

    TR_SCOPE(s, &rc) {
        for (int i = 0; i < 3 && a->depth > 0; i++)
            tr_go_on(s, TR_LOOP((int)(chance() % (uint64_t)tr_loop_count())), node,
                     .depth = a->depth - 1);
        rc = use_everything();
        if (once_in(10))
            (void)tr_scope_cancel(s); /* in its own task: it can't fail */
    }
    return rc == TR_ECANCELED || rc == TR_ENOMEM ? 0 : rc;
}

static int grow_trees(void *unused)
{
    struct node_args top = { .depth = 3 };
    int rc = 0;

    (void)unused;
    while (rc >= 0 && !tr_cancel_requested()) {
        TR_DEADLINE(once_in(4) ? 0.01 : 60, &rc) {
            rc = node(&top);
        }
        if (rc == TR_ETIMEDOUT)
            rc = tr_yield();
    }
    return 0;
}

/* ---- foreign threads ---- */

static volatile bool round_ends; /* a flag; what it says too late does no harm */

static void *work_outside(void *unused)
{
    (void)unused;
    while (!round_ends) {
        tr_pid pid = some_actor();
        struct answer a;
        uint64_t sum = 0;
        tr_inbox *in;
        tr_msg *msg;

        for (int i = 0; i < 20; i++)
            (void)tr_send(pid, word, .value = 1);          /* it may be none, or full */
        (void)tr_ask(&a, pid, 0.01, question, .value = 7); /* all ends are allowed */
        (void)tr_pool_run(TR_POOL_CPU, do_job, &sum);      /* as above */
        if (once_in(4) && tr_inbox_new(&in, 0) == 0) {
            (void)tr_inbox_request(in, pid, 0.005, 1, question, .value = 1);
            (void)tr_inbox_receive(in, &msg, 0.01); /* as above */
            tr_inbox_free(in);
        }
        (void)tr_stop(pid); /* it may be gone */
    }
    return NULL;
}

/* ---- rounds ---- */

typedef struct totals {
    uint64_t messages, actors, tasks, jobs, dead, faults;
    int64_t peak;
    int rounds;
} totals;

static void add_up(totals *t)
{
    tr_stats s;
    uint64_t dead;

    MUST(tr_stats_get(&s) == 0);
    dead = s.dead_ended + s.dead_full + s.dead_unhandled + s.dead_shutdown + s.dead_memory;
    MUST(s.sent == s.handled + s.returned + s.expired + s.late_replies + dead);
    MUST(s.spawned == s.ended);
    MUST(s.tasks_spawned == s.tasks_ended);
    MUST(s.jobs_submitted == s.jobs_run + s.jobs_cancelled);
    t->messages += s.sent;
    t->actors += s.spawned;
    t->tasks += s.tasks_spawned;
    t->jobs += s.jobs_submitted;
    t->dead += dead;
    t->rounds++;
}

static void sleep_for(double seconds)
{
    struct timespec left = { (time_t)seconds, (long)((seconds - (double)(time_t)seconds) * 1e9) };

    (void)nanosleep(&left, NULL); /* no signal comes */
}

/* Let time pass, in which one of the next calls that can fail does, again and again; returns how
 * many have. */
static uint64_t sabotage_for(double seconds)
{
    double end = now_s() + seconds;
    uint64_t count = 0;

    while (now_s() < end) {
        tr__fault_arm(1 + chance() % 500, false);
        sleep_for(0.002);
        count += tr__fault_disarm();
    }
    return count;
}

static void run_round(int loops, double seconds, totals *t)
{
    pthread_t threads[FOREIGN_THREADS];
    tr_future *trees[TREES];

    round_ends = false;
    MUST(tr_start(&(tr_config){ .loops = loops }) == 0);
    for (int i = 0; i < FOREIGN_THREADS; i++)
        MUST(pthread_create(&threads[i], NULL, work_outside, NULL) == 0);
    for (int i = 0; i < TREES; i++)
        MUST(tr_submit(&trees[i], TR_LOOP(i % tr_loop_count()), grow_trees, NULL) == 0);
    if (t->rounds % 2 == 0)
        sleep_for(seconds);
    else
        t->faults += sabotage_for(seconds);
    if (resident() > t->peak)
        t->peak = resident();
    if (once_in(2)) { /* in the middle of it, or after it */
        for (int i = 0; i < TREES; i++)
            (void)tr_future_cancel(trees[i]); /* it has not ended */
        round_ends = true;
    }
    MUST(tr_shutdown(60) == 0);
    round_ends = true;
    for (int i = 0; i < FOREIGN_THREADS; i++)
        MUST(pthread_join(threads[i], NULL) == 0);
    for (int i = 0; i < TREES; i++) {
        MUST(tr_future_is_done(trees[i]));
        tr_future_unref(trees[i]);
    }
    add_up(t);
}

static void report(const totals *t, double seconds, const char *end)
{
    printf("%s%.0f s: %d rounds, %" PRIu64 " messages (%" PRIu64 " dead letters), %" PRIu64
           " actors, %" PRIu64 " tasks, %" PRIu64 " jobs, %" PRIu64 " faults; at most %.1f MB%s",
           isatty(STDOUT_FILENO) ? "\r" : "", seconds, t->rounds, t->messages, t->dead, t->actors,
           t->tasks, t->jobs, t->faults, (double)t->peak / 1e6, end);
    (void)fflush(stdout); /* nowhere to complain */
}

static void drop_line(void *unused, tr_log_level level, const char *line)
{
    (void)unused;
    (void)level;
    (void)line;
}

int main(int argc, char **argv)
{
    static const struct option longs[] = {
        { "loops", required_argument, NULL, 'l' },
        { "seed", required_argument, NULL, 's' },
        { "help", no_argument, NULL, 'h' },
        { NULL, 0, NULL, 0 },
    };
    totals t = { .rounds = 0 };
    int64_t warm = 0;
    int loops = 2, option, descriptors = 0;
    double minutes, begun = now_s();

    seed = (uint64_t)time(NULL);
    while ((option = getopt_long(argc, argv, "h", longs, NULL)) >= 0) {
        if (option == 'l') {
            loops = atoi(optarg);
        } else if (option == 's') {
            seed = strtoull(optarg, NULL, 0);
        } else {
            (void)fputs("soak [MINUTES] [--loops N] [--seed S]: everything at once, for so long "
                        "(default: 1)\n",
                        option == 'h' ? stdout : stderr);
            return option == 'h' ? 0 : 2;
        }
    }
    minutes = optind < argc ? atof(argv[optind]) : 1;
    printf("soak: %g minutes, %d loops, seed %" PRIu64 "\n", minutes, loops, seed);
    tr_log_set(drop_line, NULL);
    while (now_s() - begun < minutes * 60 || t.rounds <= WARM_ROUNDS) {
        run_round(loops, minutes * 60 < 30 ? 0.5 : ROUND_S, &t);
        if (t.rounds == WARM_ROUNDS) {
            warm = resident();
            descriptors = entries_of("/proc/self/fd");
        }
        if (isatty(STDOUT_FILENO))
            report(&t, now_s() - begun, "");
    }
    report(&t, now_s() - begun, "\n");
    printf("after the last shutdown: %.1f MB resident (%.1f MB when warm), %d threads\n",
           (double)resident() / 1e6, (double)warm / 1e6, entries_of("/proc/self/task") - 2);
    MUST(entries_of("/proc/self/fd") == descriptors);
    MUST(resident() < 2 * warm + (64 << 20)); /* it keeps some; it must not grow for ever */
    puts("nothing was lost, nothing was left");
    return 0;
}
