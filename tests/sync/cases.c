/* See cases.h. Compiled twice: CASES_SIMULATED says which way, CASES_SEEDS under how many seeds. */
#include "sync/cases.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if CASES_SIMULATED
#include <troupe/sim.h>
#else
#include "support/kit.h"
#endif

void expect_failed(const char *file, int line, const char *what)
{
    (void)fprintf(stderr, "%s:%d: this must hold, and does not: %s\n", file, line, what);
    abort();
}

/* ---- a case ---- */

static int root_task(void *body)
{
    (*(void (**)(void))body)();
    return 0;
}

static void run_program(void *body)
{
    tr_stats s;

    EXPECT(tr_run(root_task, body, &(tr_config){ .loops = 2, .signals = -1 }) == 0);
    EXPECT(tr_stats_get(&s) == 0);
    EXPECT(s.tasks_spawned == s.tasks_ended);
    EXPECT(s.jobs_submitted == s.jobs_run + s.jobs_cancelled);
    EXPECT(s.spawned == s.ended);
}

static pthread_mutex_t notes_lock = PTHREAD_MUTEX_INITIALIZER;
static char noted[4096];
static size_t notes_count;

#if CASES_SIMULATED
static void simulate(void *body)
{
    notes_count = 0;
    run_program(body);
}

void run_case(void (*body)(void))
{
    const tr_sim_options options = {
        .seed = 1, .late = 0.05, .stall = 0.01, .slow_job = 0.05, .together = 1000
    };

    ck_assert_int_eq(tr_sim_explore(simulate, (void *)&body, CASES_SEEDS, &options), 0);
}

#else
void run_case(void (*body)(void))
{
    int descriptors = kit_open_descriptors();

    notes_count = 0;
    run_program((void *)&body);
    ck_assert_int_eq(kit_open_descriptors(), descriptors);
}

#endif

void run_case_in_debug_mode(void (*body)(void))
{
    ck_assert_int_eq(setenv("TROUPE_DEBUG", "1", true), 0);
    run_case(body);
    ck_assert_int_eq(unsetenv("TROUPE_DEBUG"), 0);
}

/* ---- helpers ---- */

void let_others_run(void)
{
    /* Each turn of the loop lets all run that could; what they start runs in the next. */
    for (int i = 0; i < 20; i++)
        EXPECT(tr_yield() == 0);
}

int sleep_for_ever(void *unused)
{
    (void)unused;
    return tr_sleep(TR_FOREVER);
}

static int make_future(void *out)
{
    return tr_future_new(out);
}

tr_future *open_future(int loop)
{
    tr_future *f = NULL;
    tr_task *maker;

    EXPECT(tr_task_spawn_on(&maker, TR_LOOP(loop), make_future, &f) == 0);
    EXPECT(tr_task_wait(maker, TR_FOREVER) == 0);
    tr_task_unref(maker);
    return f;
}

int run_errand(void *arg)
{
    errand *e = arg;
    int rc = tr_event_wait(&e->go);

    if (rc == 0) {
        e->was_done = true;
        return e->result;
    }
    TR_SHIELD(TR_FOREVER) {
        EXPECT(tr_sleep(0.0001) == 0);
    }
    e->was_cut = true;
    return rc;
}

tr_future *start_errand(errand *e, int loop)
{
    tr_future *f = NULL;

    e->go = (tr_event){ 0 };
    e->was_done = false;
    e->was_cut = false;
    EXPECT(tr_submit(&f, TR_LOOP(loop), run_errand, e) == 0);
    return f;
}

void let_go(errand *e)
{
    EXPECT(tr_event_set(&e->go) == 0);
}

void resolve(void *future)
{
    EXPECT(tr_future_resolve(future, NULL, NULL) == 0);
}

void fail_future(void *future)
{
    EXPECT(tr_future_fail(future, TR_EBUSY) == 0);
}

void unref_all(tr_future **fs, int n)
{
    for (int i = 0; i < n; i++)
        tr_future_unref(fs[i]);
}

struct foreign {
    void (*fn)(void *arg);
    void *arg;
    tr_event ended;
#if CASES_SIMULATED
    tr_sim_thread *thread;
#else
    pthread_t thread;
#endif
};

static void *foreign_main(void *arg)
{
    foreign *f = arg;

    f->fn(f->arg);
    EXPECT(tr_event_set(&f->ended) == 0);
    return NULL;
}

foreign *foreign_start(void (*fn)(void *arg), void *arg)
{
    foreign *f = calloc(1, sizeof(*f));

    EXPECT(f != NULL);
    f->fn = fn;
    f->arg = arg;
#if CASES_SIMULATED
    EXPECT(tr_sim_thread_start(&f->thread, "foreign", foreign_main, f) == 0);
#else
    EXPECT(pthread_create(&f->thread, NULL, foreign_main, f) == 0);
#endif
    return f;
}

void foreign_end(foreign *f)
{
    EXPECT(tr_event_wait(&f->ended) == 0); /* so that joining it hardly blocks the loop */
#if CASES_SIMULATED
    EXPECT(tr_sim_thread_join(f->thread) == NULL);
#else
    EXPECT(pthread_join(f->thread, NULL) == 0);
#endif
    free(f);
}

typedef struct elsewhere {
    void (*fn)(void *arg);
    void *arg;
    tr_event done;
} elsewhere;

static void call_and_say_so(void *arg)
{
    elsewhere *e = arg;

    e->fn(e->arg);
    EXPECT(tr_event_set(&e->done) == 0);
}

TR_MESSAGE(call_wanted)
{
    elsewhere *e;
};

static int caller_receive(tr_self *self, void *state, tr_msg *msg)
{
    const struct call_wanted *wanted = tr_as(msg, call_wanted);

    (void)self;
    (void)state;
    if (wanted == NULL)
        return TR_UNHANDLED;
    call_and_say_so(wanted->e);
    return 0;
}

void call_in_handler(bool awaits, void (*fn)(void *arg), void *arg)
{
    static const tr_actor_class classes[] = {
        { .name = "caller", .receive = caller_receive },
        { .name = "awaiting caller", .receive = caller_receive, .awaits = true },
    };
    elsewhere e = { .fn = fn, .arg = arg };
    tr_pid caller;

    EXPECT(tr_spawn_with(&caller, &classes[awaits], NULL,
                         &(tr_spawn_options){ .on = TR_LOOP(1) }) == 0);
    EXPECT(tr_send(caller, call_wanted, .e = &e) == 0);
    EXPECT(tr_event_wait(&e.done) == 0);
    EXPECT(tr_stop(caller) == 0);
}

void call_elsewhere(void (*fn)(void *arg), void *arg)
{
    elsewhere e = { .fn = fn, .arg = arg };

    call_in_handler(false, fn, arg);
    EXPECT(tr_post(TR_LOOP(1), call_and_say_so, &e) == 0);
    EXPECT(tr_event_wait(&e.done) == 0);
    foreign_end(foreign_start(fn, arg));
}

void call_posted(void *arg)
{
    posted_call *c = arg;

    c->fn(c->arg);
    EXPECT(tr_event_set(&c->done) == 0);
}

void in_place(where there, void (*fn)(void *arg), void *arg)
{
    posted_call c = { .fn = fn, .arg = arg };

    if (there == OWN_LOOP)
        fn(arg);
    else if (there == THREAD)
        foreign_end(foreign_start(fn, arg));
    else {
        EXPECT(tr_post(TR_LOOP(1), call_posted, &c) == 0);
        EXPECT(tr_event_wait(&c.done) == 0);
    }
}

void note(char letter)
{
    (void)pthread_mutex_lock(&notes_lock);
    EXPECT(notes_count + 1 < sizeof(noted));
    noted[notes_count++] = letter;
    noted[notes_count] = '\0';
    (void)pthread_mutex_unlock(&notes_lock);
}

const char *notes(void)
{
    noted[notes_count] = '\0';
    return noted;
}

void count_up(counter *c)
{
    (void)__atomic_add_fetch(&c->value, 1, __ATOMIC_SEQ_CST);
}

void count_down(counter *c)
{
    (void)__atomic_sub_fetch(&c->value, 1, __ATOMIC_SEQ_CST);
}

uint32_t count_of(const counter *c)
{
    return __atomic_load_n(&c->value, __ATOMIC_SEQ_CST);
}

/* ---- cancellation at every await ---- */

typedef enum way { BEFORE, MEANWHILE, FROM_ELSEWHERE, WAYS } way;

typedef struct trial {
    const attempt *steps;
    void *arg;
    tr_task *victim;
    int loop;
    way way;
    int at;            /* the await at which it is cancelled */
    int awaits;        /* so far */
    tr_event is_known; /* victim is */
} trial;

static trial *present; /* read by the victim, and by who starts it */

static void cancel_victim(void *victim)
{
    (void)tr_task_cancel(victim); /* it may have ended */
    tr_task_unref(victim);
}

void await_begins(void)
{
    trial *t = present;
    int loop = t->way == FROM_ELSEWHERE ? 1 - t->loop : t->loop;

    if (++t->awaits != t->at)
        return;
    (void)tr_task_ref(t->victim);
    if (t->way == BEFORE)
        cancel_victim(t->victim);
    else
        EXPECT(tr_post(TR_LOOP(loop), cancel_victim, t->victim) == 0);
}

static int run_attempt(void *arg)
{
    trial *t = arg;

    EXPECT(tr_event_wait(&t->is_known) == 0);
    return t->steps->attempt(t->arg);
}

/* false: it ended before its n-th await. */
static bool try_at(trial *t)
{
    int rc;

    t->awaits = 0;
    t->is_known = (tr_event){ 0 };
    present = t;
    if (t->steps->begin != NULL)
        t->steps->begin(t->arg);
    EXPECT(tr_task_spawn_on(&t->victim, TR_LOOP(t->loop), run_attempt, t) == 0);
    EXPECT(tr_event_set(&t->is_known) == 0);
    rc = tr_task_wait(t->victim, TR_FOREVER);
    tr_task_unref(t->victim);
    t->steps->check(t->arg, rc);
    return t->awaits >= t->at;
}

void cancel_at_every_await(const attempt *steps, void *arg)
{
    for (int loop = 0; loop < 2; loop++)
        for (int w = 0; w < WAYS; w++) {
            trial t = { .steps = steps, .arg = arg, .loop = loop, .way = (way)w, .at = 1 };

            while (try_at(&t))
                t.at++;
        }
}
