/* The test kit. */
#include "support/kit.h"
#include "support/suite.h"

#include <dirent.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/sanitize.h"
#include "base/seam.h"
#include "runtime/runtime.h"

enum { LOG_BYTES = 1 << 16, TEST_TIMEOUT_S = KIT_EMULATED ? 840 : 240 };

/* TSan begins one more thread of its own with the first that a forked test begins. */
#ifdef __SANITIZE_THREAD__
enum { SANITIZER_THREADS = 1 };
#else
enum { SANITIZER_THREADS = 0 };
#endif

/* ---- the log ---- */

static pthread_mutex_t log_lock = PTHREAD_MUTEX_INITIALIZER;
static char log_text[LOG_BYTES];
static size_t log_length;

static void keep_line(void *ctx, tr_log_level level, const char *line)
{
    size_t length = strlen(line);

    (void)ctx;
    (void)level;
    pthread_mutex_lock(&log_lock);
    if (log_length + length + 2 < LOG_BYTES) {
        memcpy(log_text + log_length, line, length);
        log_length += length;
        log_text[log_length++] = '\n';
        log_text[log_length] = '\0';
    }
    pthread_mutex_unlock(&log_lock);
}

bool kit_log_contains(const char *text)
{
    bool found;

    pthread_mutex_lock(&log_lock);
    found = strstr(log_text, text) != NULL;
    pthread_mutex_unlock(&log_lock);
    return found;
}

int kit_log_count(const char *text)
{
    int count = 0;

    pthread_mutex_lock(&log_lock);
    for (const char *at = log_text; (at = strstr(at, text)) != NULL; at += strlen(text))
        count++;
    pthread_mutex_unlock(&log_lock);
    return count;
}

/* Whether the line, which ends at a newline, contains the text. */
static bool line_contains(const char *line, const char *text)
{
    const char *at = strstr(line, text);

    return at != NULL && at + strlen(text) <= line + strcspn(line, "\n");
}

bool kit_log_first_line(const char *text, char *line, size_t line_bytes)
{
    bool found = false;

    pthread_mutex_lock(&log_lock);
    for (const char *at = log_text; !found && *at != '\0'; at += strcspn(at, "\n") + 1) {
        found = line_contains(at, text);
        if (found)
            (void)snprintf(line, line_bytes, "%.*s", (int)strcspn(at, "\n"), at);
    }
    pthread_mutex_unlock(&log_lock);
    return found;
}

bool kit_log_has_line(const char *text, const char *other)
{
    bool found = false;

    pthread_mutex_lock(&log_lock);
    for (const char *line = log_text; !found && *line != '\0'; line += strcspn(line, "\n") + 1)
        found = line_contains(line, text) && line_contains(line, other);
    pthread_mutex_unlock(&log_lock);
    return found;
}

void kit_log_clear(void)
{
    pthread_mutex_lock(&log_lock);
    log_length = 0;
    log_text[0] = '\0';
    pthread_mutex_unlock(&log_lock);
}

/* ---- a runtime that ends clean ---- */

static int descriptors_before;
static int threads_before;

static int count_entries(const char *path)
{
    DIR *dir = opendir(path);
    int count = 0;

    ck_assert_ptr_nonnull(dir);
    while (readdir(dir) != NULL)
        count++;
    closedir(dir);
    return count;
}

int kit_open_descriptors(void)
{
    return count_entries("/proc/self/fd") - 3; /* ".", "..", and the one that reads it */
}

static void *note_id(void *id)
{
    *(pid_t *)id = gettid();
    return NULL;
}

/* A sanitizer starts a thread of its own with the first one of a process: let it, before any are
 * counted. */
static void start_first_thread(void)
{
    static pid_t ready_process;
    char path[64];
    pthread_t thread;
    pid_t id;

    if (ready_process == getpid())
        return;
    ready_process = getpid();
    ck_assert_int_eq(pthread_create(&thread, NULL, note_id, &id), 0);
    pthread_join(thread, NULL);
    (void)snprintf(path, sizeof(path), "/proc/self/task/%d", (int)id);
    while (access(path, F_OK) == 0) /* see kit_stop */
        sched_yield();
}

int kit_threads(void)
{
    start_first_thread();
    return count_entries("/proc/self/task") - 2;
}

void kit_start_with(const tr_config *config)
{
    tr_log_set(keep_line, NULL);
    descriptors_before = kit_open_descriptors();
    threads_before = kit_threads();
    ck_assert_int_eq(tr_start(config), 0);
}

void kit_start(int loops)
{
    kit_start_with(&(tr_config){ .loops = loops });
}

tr_stats kit_stats(void)
{
    tr_stats stats;

    ck_assert_int_eq(tr_stats_get(&stats), 0);
    return stats;
}

void kit_end_start(int rc, bool struck)
{
    ck_assert_msg(rc == 0 || (struck && (rc == TR_ENOMEM || rc == TR_EAGAIN || rc == -EMFILE ||
                                         rc == -ENFILE)),
                  "start gave %d", rc);
    if (rc == 0)
        ck_assert_int_eq(tr_shutdown(KIT_PATIENCE_S), 0);
}

void kit_expect_balance(void)
{
    tr_stats s = kit_stats();

    ck_assert_uint_eq(s.sent, s.handled + s.returned + s.expired + s.late_replies + s.dead_ended +
                                  s.dead_full + s.dead_unhandled + s.dead_shutdown + s.dead_memory);
    ck_assert_uint_eq(s.spawned, s.ended);
    ck_assert_uint_eq(s.tasks_spawned, s.tasks_ended);
    ck_assert_uint_eq(s.jobs_submitted, s.jobs_run + s.jobs_cancelled);
}

void kit_stop(void)
{
    ck_assert_int_eq(tr_shutdown(KIT_PATIENCE_S), 0);
    kit_expect_balance();
    ck_assert_int_eq(kit_open_descriptors(), descriptors_before);
    /* A thread that was joined may still be in the list for a moment: the kernel takes it out after
     * it has woken the joiner. */
    while (kit_threads() > threads_before + SANITIZER_THREADS)
        sched_yield();
}

/* ---- probes ---- */

tr_inbox *kit_inbox_of(size_t limit)
{
    tr_inbox *in = NULL;

    ck_assert_int_eq(tr_inbox_new(&in, limit), 0);
    ck_assert(!tr_pid_is_none(tr_inbox_pid(in)));
    return in;
}

tr_inbox *kit_inbox(void)
{
    return kit_inbox_of(0);
}

tr_msg *kit_next(tr_inbox *in)
{
    tr_msg *msg;

    ck_assert_int_eq(tr_inbox_receive(in, &msg, KIT_PATIENCE_S), 0);
    return msg;
}

int64_t kit_expect_value(tr_inbox *in, int64_t a)
{
    tr_msg *msg = kit_next(in);
    const struct kit_value *value = tr_as(msg, kit_value);

    ck_assert_msg(value != NULL, "expected a kit_value, got %s", tr_msg_name(msg));
    ck_assert_int_eq(value->a, a);
    return value->b;
}

/* Of coverage builds only: what writes the counts, which _exit does not. */
void __gcov_exit(void) __attribute__((weak));

/* valgrind would call lost what only the threads of the parent refer to; it does not look into what
 * begins another program. */
static void end_as_another(int status)
{
    char command[24];

    (void)snprintf(command, sizeof(command), "exit %d", status);
    (void)execl("/bin/sh", "sh", "-c", command, (char *)NULL);
}

void kit_end_child(int status)
{
    if (__gcov_exit != NULL)
        __gcov_exit();
    /* relaxed: a child has one thread. */
    if (tr__valgrind_listens() && tr__load_relaxed_u32(&tr__runtime.forked) != 0)
        end_as_another(status);
    _exit(status);
}

static void be_child(void (*fn)(void *arg), void *arg, int err)
{
    (void)dup2(err, STDERR_FILENO);
    /* Check's own handlers would end its test. */
    (void)signal(SIGINT, SIG_DFL);
    (void)signal(SIGTERM, SIG_DFL);
    fn(arg);
    (void)fflush(NULL);
    /* The threads of the parent are not here: what they alone refer to is no leak. */
    kit_end_child(0);
}

/* qemu says on the program's stderr what signal it died of. */
static void cut_last_words_of_emulator(char *text)
{
    char *words = KIT_EMULATED ? strstr(text, "qemu: uncaught target signal ") : NULL;

    if (words != NULL)
        *words = '\0';
}

int kit_in_child(void (*fn)(void *arg), void *arg, char *text, size_t text_bytes)
{
    int err = memfd_create("stderr", MFD_CLOEXEC);
    int status = -1;
    ssize_t got;
    pid_t pid;

    ck_assert_int_ge(err, 0);
    pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0)
        be_child(fn, arg, err);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    got = pread(err, text, text_bytes - 1, 0);
    text[got > 0 ? got : 0] = '\0';
    cut_last_words_of_emulator(text);
    close(err);
    return status;
}

/* ---- on loops ---- */

typedef struct loop_call {
    void (*fn)(void *arg);
    void *arg;
    bool done;
    pthread_mutex_t lock;
    pthread_cond_t changed;
} loop_call;

static void run_call(void *arg)
{
    loop_call *call = arg;

    if (call->fn != NULL)
        call->fn(call->arg);
    pthread_mutex_lock(&call->lock);
    call->done = true;
    pthread_cond_signal(&call->changed);
    pthread_mutex_unlock(&call->lock);
}

void kit_on_loop(int loop, void (*fn)(void *arg), void *arg)
{
    loop_call call = { .fn = fn, .arg = arg };

    pthread_mutex_init(&call.lock, NULL);
    pthread_cond_init(&call.changed, NULL);
    ck_assert_int_eq(tr_post(TR_LOOP(loop), run_call, &call), 0);
    pthread_mutex_lock(&call.lock);
    while (!call.done)
        pthread_cond_wait(&call.changed, &call.lock);
    pthread_mutex_unlock(&call.lock);
    pthread_cond_destroy(&call.changed);
    pthread_mutex_destroy(&call.lock);
}

int kit_in_task(int loop, tr_task_fn fn, void *arg)
{
    tr_future *f;
    int rc;

    ck_assert_int_eq(tr_submit(&f, TR_LOOP(loop), fn, arg), 0);
    rc = tr_future_wait(f, KIT_PATIENCE_S);
    ck_assert_msg(tr_future_is_done(f), "a task has not ended in %g s", KIT_PATIENCE_S);
    tr_future_unref(f);
    return rc;
}

TR_MESSAGE(puppet_call)
{
    int (*fn)(tr_self * self, void *arg);
    loop_call *call;
};

static int puppet_receive(tr_self *self, void *state, tr_msg *msg)
{
    const struct puppet_call *told = tr_as(msg, puppet_call);
    loop_call *call;
    int rc;

    (void)state;
    if (told == NULL)
        return TR_UNHANDLED;
    call = told->call; /* msg may be given away by fn */
    rc = told->fn(self, call->arg);
    call->fn = NULL;
    run_call(call);
    return rc;
}

tr_pid kit_puppet(int loop)
{
    static const tr_actor_class puppet_class = { .name = "puppet", .receive = puppet_receive };
    tr_pid puppet;

    ck_assert_int_eq(
        tr_spawn_with(&puppet, &puppet_class, NULL, &(tr_spawn_options){ .on = TR_LOOP(loop) }), 0);
    return puppet;
}

static void await_call(loop_call *call)
{
    pthread_mutex_lock(&call->lock);
    while (!call->done)
        pthread_cond_wait(&call->changed, &call->lock);
    pthread_mutex_unlock(&call->lock);
    pthread_cond_destroy(&call->changed);
    pthread_mutex_destroy(&call->lock);
}

void kit_in_handler(tr_pid puppet, int (*fn)(tr_self *self, void *arg), void *arg)
{
    loop_call call = { .arg = arg };

    pthread_mutex_init(&call.lock, NULL);
    pthread_cond_init(&call.changed, NULL);
    ck_assert_int_eq(tr_send(puppet, puppet_call, .fn = fn, .call = &call), 0);
    await_call(&call);
}

static int echo_receive(tr_self *self, void *state, tr_msg *msg)
{
    const struct kit_value *value = tr_as(msg, kit_value);

    (void)state;
    (void)tr_exit(self, 0);
    return value != NULL ? tr_send((tr_pid){ (uint64_t)value->b }, kit_value, .a = value->a)
                         : TR_UNHANDLED;
}

static const tr_actor_class echo_class = { .name = "echo", .receive = echo_receive };

void kit_settle(int loop)
{
    tr_inbox *in = kit_inbox();
    tr_pid echo;

    /* Through the same lanes as what went before, and behind it. */
    ck_assert_int_eq(
        tr_spawn_with(&echo, &echo_class, NULL, &(tr_spawn_options){ .on = TR_LOOP(loop) }), 0);
    ck_assert_int_eq(tr_send(echo, kit_value, .a = 1, .b = (int64_t)tr_inbox_pid(in).tr__id), 0);
    (void)kit_expect_value(in, 1);
    tr_inbox_free(in);
}

/* ---- faults ---- */

int kit_for_every_fault(void (*attempt)(void *ctx, int n), void *ctx)
{
    for (int n = 1;; n++) {
        tr__fault_arm((uint64_t)n, false);
        attempt(ctx, n);
        if (!tr__fault_disarm())
            return n - 1;
    }
}

int kit_for_every_fault_of(const kit_faulty *steps, void *ctx, bool lasting)
{
    for (int n = 1;; n++) {
        bool struck;

        if (steps->begin != NULL)
            steps->begin(ctx);
        tr__fault_arm((uint64_t)n, lasting);
        steps->attempt(ctx);
        struck = tr__fault_disarm();
        steps->check(ctx, struck);
        if (!struck)
            return n - 1;
    }
}

/* ---- running ---- */

int kit_main(const char *suite_name, const TTest *const *tests, int count)
{
    return run_suite(suite_name, TEST_TIMEOUT_S, tests, count);
}
