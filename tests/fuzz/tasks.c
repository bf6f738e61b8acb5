/* A program of tasks: two foreign threads and six kinds of task, each with a script. A task does
 * its script from the beginning, each block (a scope, a deadline, a shield) around the steps behind
 * it. The model of cancellation is a tree as the library's is, but knows only what may have
 * happened:
 *
 *     nodes on the stacks of tasks:  root <- scope <- deadline <- ...   outward
 *                                              ^
 *                                              +--- root of a child in the scope */
#include "fuzz/cells.h"

#include <string.h>

enum { TASKS = 48, THREADS = 2, KINDS = FUZZ_SCRIPTS - THREADS, TASK_CODE = -30000, ROUNDS = 100 };

typedef enum op_code {
    SLEEP,
    YIELD,
    GO,
    GO_ON,
    SPAWN,
    SUBMIT,
    SCOPE,
    DEADLINE,
    SHIELD,
    SCOPE_CANCEL,
    RETURN,
    FUTURE_NEW,
    FUTURE_END,
    FUTURE_CANCEL,
    FUTURE_AWAIT,
    FUTURE_TAKE,
    FUTURE_THEN,
    POOL_RUN,
    POOL_SUBMIT,
    POST,
    OPS
} op_code;

typedef struct node {
    const struct node *outer;
    bool may_cancel; /* somebody has asked for it, or a child has failed */
    bool is_certain; /* somebody on this loop has: it holds at once */
    bool is_far;     /* a child on another loop than its scope, which hears of it later */
    bool is_shield;
    double deadline;
} node;

typedef struct scope {
    node node;
    tr_scope *s;
    int failures[TASKS + 8]; /* in the order of their coming */
    int failure_count;
    bool is_local; /* all children run on this loop */
} scope;

typedef struct task {
    int kind;
    int loop; /* 0: any */
    int number;
    node root;
    scope *parent;
    int begun, ended;
    int result;
} task;

/* Who does a step. */
typedef struct doer {
    int thread; /* -1: a task */
    task *task;
    node *at;
    scope *scope;
    const fuzz_script *script;
    bool leaves;
    int result;
    int last; /* the result of the last await */
} doer;

static fuzz_script scripts[FUZZ_SCRIPTS];
static task tasks[TASKS];
static int task_count;
static tr_pool *own_pool;
static bool is_hasty; /* the shutdown meets all that is under way */

static int run_task(void *arg);
static void do_steps(doer *d, size_t from, size_t to);

/* ---- the model of cancellation ---- */

static bool may_be_cancelled(const node *n)
{
    for (; n; n = n->outer) {
        if (n->may_cancel || fuzz_time() >= n->deadline)
            return true;
        if (n->is_shield)
            return false;
    }
    return cells_are_stopping;
}

static bool must_be_cancelled(const node *n)
{
    for (; n; n = n->outer) {
        if (n->is_certain)
            return true;
        if (n->is_shield || n->is_far)
            return false;
    }
    return false;
}

/* An await that has nothing else to report. */
static void expect_awaited(doer *d, int rc, bool was_cancelled)
{
    int number = d->task->number;

    d->last = rc;
    EXPECT_OF(number, rc, rc == 0 || (rc == TR_ECANCELED && may_be_cancelled(d->at)));
    EXPECT_OF(number, rc, !was_cancelled || rc == TR_ECANCELED);
}

/* Whether awaits fail: then the model must know why. */
static bool is_cancelled(const doer *d)
{
    bool is = tr_cancel_requested();

    EXPECT_OF(d->task->number, is, !is || may_be_cancelled(d->at));
    EXPECT_OF(d->task->number, is, is || !must_be_cancelled(d->at));
    return is;
}

/* ---- awaiting ---- */

static void do_sleep(doer *d, uint8_t a)
{
    double seconds = (double)a / 500;
    double begun = fuzz_time();
    bool was_cancelled;
    int rc;

    if (!d->task) {
        tr_sim_sleep(seconds);
        return;
    }
    was_cancelled = is_cancelled(d);
    rc = tr_sleep(seconds);
    TELL("task %d has slept: %s", d->task->number, tr_err_name(rc));
    EXPECT_OF(d->task->number, rc, rc < 0 || fuzz_time() >= begun + seconds);
    expect_awaited(d, rc, was_cancelled);
}

static void do_yield(doer *d)
{
    bool was_cancelled;

    if (!d->task)
        return;
    was_cancelled = is_cancelled(d);
    expect_awaited(d, tr_yield(), was_cancelled);
}

static void do_await(doer *d, uint8_t a, uint8_t b)
{
    int number = a % CELLS;
    cell *c = &cells[number];
    double timeout = (double)(b % 64) / 100;
    double begun = fuzz_time();
    bool is_limited = b % 2;
    int rc;

    if (!c->f)
        return;
    if (is_limited && d->task)
        c->may_cancel = true; /* by the time limit */
    if (d->task)
        rc = is_limited ? tr_wait_for(c->f, timeout) : tr_await(c->f);
    else
        rc = tr_future_wait(c->f, timeout);
    TELL("future %d was awaited: %s", number, tr_err_name(rc));
    d->last = rc;
    if (rc == TR_ETIMEDOUT)
        EXPECT_OF(number, rc, fuzz_time() >= begun + timeout && (is_limited || !d->task));
    else if (!(rc == TR_ECANCELED && d->task && may_be_cancelled(d->at)) && !cells_may_refuse(rc))
        cell_seen(number, rc);
    if (rc == TR_ETIMEDOUT && d->task)
        EXPECT_OF(number, rc, tr_future_is_done(c->f));
}

/* ---- tasks ---- */

static task *task_new(int kind, int loop, scope *parent)
{
    task *t = &tasks[task_count];

    if (task_count == TASKS)
        return NULL;
    *t = (task){
        .kind = kind % KINDS,
        .loop = loop,
        .number = task_count++,
        .root = { .outer = parent ? &parent->node : NULL, .deadline = TR_FOREVER },
        .parent = parent,
    };
    return t;
}

static void note_failure(scope *s, int code)
{
    s->failures[s->failure_count++] = code;
    s->node.may_cancel = true; /* when the child has really ended: soon */
}

static int run_task(void *arg)
{
    task *t = arg;
    doer d = { .thread = -1, .task = t, .at = &t->root, .script = &scripts[THREADS + t->kind] };

    TELL("task %d begins, of kind %d", t->number, t->kind);
    EXPECT_OF(t->number, 0, t->begun++ == 0);
    EXPECT_OF(t->number, t->loop, t->loop == 0 || tr_loop_current() == t->loop);
    do_steps(&d, 0, d.script->count);
    t->result = d.result;
    TELL("task %d ends: %s", t->number, tr_err_name(t->result));
    if (t->parent && t->result < 0 && t->result != TR_ECANCELED)
        note_failure(t->parent, t->result);
    EXPECT_OF(t->number, 0, t->ended++ == 0);
    return t->result;
}

static int some_loop(uint8_t b)
{
    return TR_LOOP(b % fuzz_now.loops);
}

/* A child of the innermost scope. */
static void do_go(doer *d, uint8_t a, uint8_t b, bool is_placed)
{
    scope *s = d->scope;
    task *t;
    int loop = some_loop(b);
    int rc;

    if (!s || !(t = task_new(a, is_placed ? loop : tr_loop_current(), s)))
        return;
    t->root.is_far = is_placed && loop != tr_loop_current();
    s->is_local = s->is_local && !t->root.is_far;
    rc = is_placed ? tr_scope_spawn_on(s->s, loop, run_task, t) : tr_scope_spawn(s->s, run_task, t);
    TELL("task %d starts task %d in a scope: %s", d->task->number, t->number, tr_err_name(rc));
    if (rc == 0)
        return;
    EXPECT_OF(t->number, rc,
              cells_may_refuse(rc) || (rc == TR_ECANCELED && may_be_cancelled(&s->node)));
    EXPECT_OF(t->number, rc, t->begun == 0);
    if (rc != TR_ECANCELED) /* to be cancelled is no failure */
        note_failure(s, rc);
    t->begun = t->ended = 1; /* it never will */
}

/* Without memory for its stack a task never begins, and ends with that. */
static bool has_ended(const task *t)
{
    return t->ended == 1 || (fuzz_now.faults && t->begun == 0);
}

/* Wait for a task that the doer has started; it has ended then, whatever the result. */
static void expect_joined(doer *d, task *t, int rc, double timeout, double begun)
{
    TELL("task %d was waited for: %s", t->number, tr_err_name(rc));
    EXPECT_OF(t->number, rc, has_ended(t));
    if (rc == t->result)
        return;
    if (rc == TR_ETIMEDOUT)
        EXPECT_OF(t->number, rc, fuzz_time() >= begun + timeout);
    else
        EXPECT_OF(t->number, rc,
                  (rc == TR_ECANCELED && d->task && may_be_cancelled(d->at)) || fuzz_is_want(rc));
}

static void do_spawn(doer *d, uint8_t a, uint8_t b)
{
    double timeout = (double)(b % 32) / 50;
    double begun = fuzz_time();
    int loop = some_loop(b);
    tr_task *handle;
    task *t;
    int rc;

    if (!d->task || !(t = task_new(a, loop, NULL)))
        return;
    rc = tr_task_spawn_on(&handle, loop, run_task, t);
    TELL("task %d spawns task %d: %s", d->task->number, t->number, tr_err_name(rc));
    if (rc < 0) {
        EXPECT_OF(t->number, rc, cells_may_refuse(rc) && t->begun == 0);
        t->begun = t->ended = 1;
        return;
    }
    if (b & 0x80) {
        t->root.may_cancel = true;
        EXPECT_OF(t->number, 0, tr_task_cancel(handle) >= 0);
        t->root.is_certain = loop == tr_loop_current();
    }
    if (b & 0x40) {
        t->root.may_cancel = true; /* when the time is over, or by the doer's own end */
        rc = tr_task_wait(handle, timeout);
        if (!cells_may_refuse(rc) || rc == TR_ESHUTDOWN)
            expect_joined(d, t, rc, timeout, begun);
    }
    tr_task_unref(handle);
}

static void do_submit(doer *d, uint8_t a, uint8_t b)
{
    double timeout = (double)(b % 32) / 50;
    double begun = fuzz_time();
    int loop = some_loop(b);
    tr_future *f;
    task *t = task_new(a, loop, NULL);
    int rc;

    if (!t)
        return;
    rc = tr_submit(&f, loop, run_task, t);
    TELL("task %d is submitted: %s", t->number, tr_err_name(rc));
    if (rc < 0) {
        EXPECT_OF(t->number, rc, cells_may_refuse(rc) && t->begun == 0);
        t->begun = t->ended = 1;
        return;
    }
    t->root.may_cancel = (b & 0xc0) != 0;
    if (b & 0x80) {
        EXPECT_OF(t->number, 0, tr_future_cancel(f) >= 0);
        t->root.is_certain = loop == tr_loop_current();
    }
    if ((b & 0x40) && d->task) {
        rc = tr_wait_for(f, timeout);
        if (!fuzz_is_want(rc))
            expect_joined(d, t, rc, timeout, begun);
    } else if (b & 0x40) {
        rc = tr_future_wait(f, timeout);
        if (rc == TR_ETIMEDOUT)
            rc = tr_future_cancel_wait(f);
        expect_joined(d, t, rc, timeout, begun);
    }
    tr_future_unref(f);
}

/* ---- blocks ---- */

static void expect_scope(const doer *d, const scope *s, int rc, bool was_cancelled)
{
    bool is_known = false;

    TELL("a scope of task %d has ended: %s", d->task->number, tr_err_name(rc));
    for (int i = 0; i < task_count; i++)
        EXPECT_OF(i, rc, tasks[i].parent != s || has_ended(&tasks[i]));
    for (int i = 0; i < s->failure_count; i++)
        is_known = is_known || s->failures[i] == rc;
    if (fuzz_is_want(rc))
        return;
    if (s->failure_count > 0 && s->is_local && !fuzz_now.faults)
        EXPECT_OF(d->task->number, rc, rc == s->failures[0]);
    if (s->failure_count > 0)
        EXPECT_OF(d->task->number, rc, is_known);
    else
        EXPECT_OF(d->task->number, rc,
                  rc == 0 || (rc == TR_ECANCELED && may_be_cancelled(s->node.outer)));
    EXPECT_OF(d->task->number, rc, !was_cancelled || rc < 0);
}

static void run_scope(doer *d, scope *mine, int *rc, size_t from, size_t to)
{
    TR_SCOPE(s, rc) {
        mine->s = s;
        do_steps(d, from, to);
        if (d->leaves)
            return;       /* joins, too */
        (void)tr_yield(); /* it may be cancelled */
    }
}

static void do_scope(doer *d, size_t from, size_t to)
{
    scope mine = { .node = { .outer = d->at, .deadline = TR_FOREVER }, .is_local = true };
    scope *outer = d->scope;
    node *at = d->at;
    bool was_cancelled = is_cancelled(d);
    int rc = 0;

    d->at = &mine.node;
    d->scope = &mine;
    run_scope(d, &mine, &rc, from, to);
    d->at = at;
    d->scope = outer;
    d->last = rc;
    expect_scope(d, &mine, rc, was_cancelled);
    for (int i = 0; i < task_count; i++)
        if (tasks[i].parent == &mine)
            tasks[i].parent = NULL;
}

static void run_deadline(doer *d, double seconds, int *rc, size_t from, size_t to)
{
    TR_DEADLINE(seconds, rc) {
        d->last = 0;
        do_steps(d, from, to);
        *rc = d->last;
    }
}

static void do_deadline(doer *d, double seconds, size_t from, size_t to)
{
    node mine = { .outer = d->at, .deadline = fuzz_time() + seconds };
    node *at = d->at;
    bool was_cancelled = is_cancelled(d);
    int rc = 0;

    d->at = &mine;
    run_deadline(d, seconds, &rc, from, to);
    d->at = at;
    TELL("a deadline of task %d is over: %s", d->task->number, tr_err_name(rc));
    if (rc == TR_ETIMEDOUT && d->last == TR_ECANCELED)
        EXPECT_OF(d->task->number, rc, fuzz_time() >= mine.deadline && !was_cancelled);
    else
        EXPECT_OF(d->task->number, rc, rc == d->last);
    d->last = rc;
}

static void do_shield(doer *d, double seconds, size_t from, size_t to)
{
    node mine = { .outer = d->at, .deadline = fuzz_time() + seconds, .is_shield = true };
    node *at = d->at;

    d->at = &mine;
    TR_SHIELD(seconds) {
        do_steps(d, from, to);
    }
    d->at = at;
}

static void do_scope_cancel(doer *d)
{
    if (!d->scope)
        return;
    d->scope->node.may_cancel = true;
    EXPECT(tr_scope_cancel(d->scope->s) >= 0);
    d->scope->node.is_certain = true;
}

/* ---- jobs ---- */

static tr_pool *some_pool(uint8_t b)
{
    if (b % 4 == 0)
        return TR_POOL_IO;
    return b % 4 == 1 || !own_pool ? TR_POOL_CPU : own_pool;
}

static void do_pool_run(doer *d, uint8_t a, uint8_t b)
{
    work *w = work_new(a, some_pool(b));
    int rc;

    if (!w)
        return;
    w->may_cancel = true;
    rc = tr_pool_run(w->pool, work_run, w);
    d->last = rc;
    work_returned(w, rc, d->task && may_be_cancelled(d->at));
}

static void do_pool_submit(doer *d, uint8_t a, uint8_t b)
{
    work *w = work_new(a, some_pool(b));
    tr_future *f;
    int rc;

    if (!w)
        return;
    w->offered = 1;
    w->may_cancel = b & 0x80;
    rc = tr_pool_submit(&f, w->pool, work_run, w, work_drop);
    TELL("a job is submitted: %s", tr_err_name(rc));
    if (rc < 0) {
        EXPECT_OF(0, rc,
                  cells_may_refuse(rc) ||
                      (rc == TR_ECANCELED && d->task && may_be_cancelled(d->at)));
        EXPECT(w->dropped == 1 && w->begun == 0);
        return;
    }
    if (b & 0x80)
        EXPECT(tr_future_cancel(f) >= 0);
    if (b & 0x40) {
        rc = d->task ? tr_await(f) : tr_future_wait(f, TR_FOREVER);
        if (!d->task || (rc != TR_ECANCELED && !cells_may_refuse(rc)))
            work_seen(w, rc);
    }
    tr_future_unref(f);
}

/* ---- steps ---- */

static void do_post(const doer *d, uint8_t a)
{
    post_something(a % fuzz_now.loops, d->task ? tr_loop_current() : d->thread + 4);
}

static void do_return(doer *d, uint8_t a)
{
    d->leaves = true;
    d->result = a % 3 == 0 ? 0 : a % 3 == 1 ? TASK_CODE - d->task->number : d->last;
    if (d->result > 0)
        d->result = 0;
}

static void do_step_with_futures(doer *d, const fuzz_op *op)
{
    int number = op->a % CELLS;

    switch (op->code % OPS) {
    case FUTURE_NEW:
        cell_make(number);
        break;
    case FUTURE_END:
        (op->b % 2 ? cell_fail : cell_resolve)(number);
        break;
    case FUTURE_CANCEL:
        cell_cancel(number);
        break;
    case FUTURE_AWAIT:
        do_await(d, op->a, op->b);
        break;
    case FUTURE_TAKE:
        cell_take(number);
        break;
    case FUTURE_THEN:
        cell_then(number, op->b % 2 ? TR_LOOP_ANY : some_loop(op->b / 2));
        break;
    case POOL_RUN:
        do_pool_run(d, op->a, op->b);
        break;
    case POOL_SUBMIT:
        do_pool_submit(d, op->a, op->b);
        break;
    default:
        do_post(d, op->a);
    }
}

static void do_step(doer *d, const fuzz_op *op)
{
    switch (op->code % OPS) {
    case SLEEP:
        do_sleep(d, op->a);
        break;
    case YIELD:
        do_yield(d);
        break;
    case GO:
    case GO_ON:
        do_go(d, op->a, op->b, op->code % OPS == GO_ON);
        break;
    case SPAWN:
        do_spawn(d, op->a, op->b);
        break;
    case SUBMIT:
        do_submit(d, op->a, op->b);
        break;
    case SCOPE_CANCEL:
        do_scope_cancel(d);
        break;
    case RETURN:
        if (d->task)
            do_return(d, op->a);
        break;
    default:
        do_step_with_futures(d, op);
    }
}

/* Whether the steps end by themselves, however long nobody ends a future or cancels anything. */
static bool do_end(const doer *d, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++) {
        int code = d->script->ops[i].code % OPS;

        if (code == FUTURE_AWAIT || code == GO || code == GO_ON || code == SPAWN || code == SUBMIT)
            return false;
    }
    return true;
}

/* A block around some of the steps; it returns the first behind it. */
static size_t do_block(doer *d, const fuzz_op *op, size_t from, size_t to)
{
    size_t end = from + op->a % 8;
    double seconds = (double)(op->b % 128) / 50;

    if (end > to)
        end = to;
    if (op->code % OPS == SCOPE)
        do_scope(d, from, end);
    else if (op->code % OPS == DEADLINE)
        do_deadline(d, seconds, from, end);
    else
        do_shield(d, (op->b & 0x80) && do_end(d, from, end) ? TR_FOREVER : seconds, from, end);
    return end;
}

static bool is_block(const fuzz_op *op)
{
    int code = op->code % OPS;

    return code == SCOPE || code == DEADLINE || code == SHIELD;
}

static void do_steps(doer *d, size_t from, size_t to)
{
    while (from < to && !d->leaves) {
        const fuzz_op *op = &d->script->ops[from++];

        if (d->task && is_block(op))
            from = do_block(d, op, from, to);
        else if (!is_block(op))
            do_step(d, op);
    }
}

/* ---- the program ---- */

static void run_thread(int thread)
{
    doer d = { .thread = thread, .script = &scripts[thread] };

    do_steps(&d, 0, d.script->count);
}

static void *run_second(void *unused)
{
    (void)unused;
    run_thread(1);
    return NULL;
}

static void expect_ended(void)
{
    for (int i = 0; i < task_count; i++)
        EXPECT_OF(i, tasks[i].begun, has_ended(&tasks[i]));
}

static bool have_all_ended(void)
{
    for (int i = 0; i < task_count; i++)
        if (!has_ended(&tasks[i]))
            return false;
    return true;
}

/* Nothing is stopped: all goes on until it has ended by itself. */
static void settle(void)
{
    for (int i = 0; i < ROUNDS; i++) {
        tr_sim_sleep(20);
        cells_close(); /* those, too, that were made meanwhile */
        if (have_all_ended())
            return;
    }
    expect_ended();
}

void tasks_program(fuzz_input *in)
{
    uint8_t how = fuzz_byte(in);
    tr_sim_thread *second;
    int rc;

    cells_begin();
    memset(tasks, 0, sizeof(tasks));
    task_count = 0;
    fuzz_read_scripts(in, scripts);
    is_hasty = how & 2;
    own_pool = NULL;
    rc = tr_pool_new(&own_pool, "own", 1 + how / 4 % 3);
    work_pools((tr_pool *[]){ TR_POOL_IO, TR_POOL_CPU, own_pool },
               (int[]){ 2, 2, 1 + how / 4 % 3 });
    EXPECT(rc == 0 || fuzz_is_want(rc));
    rc = tr_start(&(tr_config){ .loops = fuzz_now.loops, .pool_max = 2 });
    EXPECT(rc == 0 || fuzz_is_want(rc));
    if (rc == 0) {
        EXPECT(tr_sim_thread_start(&second, "second", run_second, NULL) == 0);
        run_thread(0);
        if (!is_hasty) {
            (void)tr_sim_thread_join(second);
            settle();
        }
        cells_are_stopping = true;
        EXPECT(tr_shutdown(1000) == 0);
        if (is_hasty)
            (void)tr_sim_thread_join(second);
        expect_ended();
    }
    EXPECT(tr_pool_free(own_pool) == 0);
    cells_end();
}
