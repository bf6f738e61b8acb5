/* Tasks: ordinary functions that may await.
 *
 * A child runs on its parent's loop, unless it is told otherwise: siblings never run at the same
 * time, as in asyncio, and need no locks for plain data. Each task has a stack of its own (64 KiB
 * of address space, of which it takes what it touches); awaiting suspends it, never its loop. errno
 * survives an await; a task never changes its thread once it has begun; the floating-point control
 * state is the loop's.
 *
 * Cancellation is a request, and a state: while a task is inside of something that is cancelled,
 * every await in it fails with TR_ECANCELED at once. A task cleans up and returns. What has been
 * handed over already is not lost: then the await succeeds, and the next one fails.
 *
 * The blocks TR_SCOPE, TR_DEADLINE and TR_SHIELD may be left in any way but longjmp, also by
 * return; what is returned is evaluated before the block ends. break and continue bind to the
 * block. Compile with -Wjump-misses-init: gcc is silent about a goto into a block without it. In
 * C++, an exception must not cross an await: catch it in the task that throws. */
#ifndef TROUPE_TASK_H
#define TROUPE_TASK_H

#include <troupe/future.h>
#include <troupe/runtime.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A task: 0 or more is success, below 0 an error. */
typedef int (*tr_task_fn)(void *arg);
typedef struct tr_task tr_task;

/* ---- the program ---- */

TR_API int tr__run(tr_task_fn fn, void *arg, const char *name, const tr_config *cfg,
                   size_t cfg_size);
TR_API int tr__main(int argc, char **argv, tr_task_fn fn, void *arg, const char *name,
                    const tr_config *cfg, size_t cfg_size);

/* Start the runtime, run fn(arg) as a task on loop 0, stop the runtime when it has ended, and
 * return its result: tr_run(fn, arg, cfg). cfg may be NULL. SIGINT and SIGTERM cancel the task,
 * unless cfg->signals forbids; a second one ends the process at once. It may be called again and
 * again, also with other configurations.
 * Ownership: arg stays the caller's.
 * Threads:   foreign threads; blocks.
 * Errors:    fn's own; those of tr_start and tr_shutdown. */
#define tr_run(fn, arg, ...) tr__run((fn), (arg), #fn, (__VA_ARGS__), sizeof(tr_config))

/* The same for main: returns an exit status. 0, or 1 after a line on stderr; when a signal has
 * cancelled the task and it ended with an error, the process ends by that signal, as its parent
 * expects: int main(int argc, char **argv) { return tr_main(argc, argv, app, NULL, NULL); } */
#define tr_main(argc, argv, fn, arg, ...)                                                          \
    tr__main((argc), (argv), (fn), (arg), #fn, (__VA_ARGS__), sizeof(tr_config))

/* ---- tasks with a handle ---- */

/* How to spawn; a field that is 0 takes its default. */
typedef struct tr_task_options {
    int on;             /* TR_LOOP(n); TR_LOOP_ANY: the caller's loop */
    size_t stack_bytes; /* of its stack; default: tr_config's; 16 KiB to 1 GiB */
    const char *name;   /* for people; copied; default: the name of its function */
} tr_task_options;

TR_API int tr__task_spawn(tr_task **out, tr_task_fn fn, void *arg, const char *name,
                          const tr_task_options *options, size_t options_size);

/* Start a task: tr_task_spawn(&task, fn, arg). It begins when the caller awaits or returns. out
 * NULL: it is detached. *out is NULL on error.
 * Ownership: the caller has one reference; arg stays the caller's: it must live until the task has
 *            ended.
 * Threads:   loops: tasks, handlers, loop callbacks (elsewhere tr_submit).
 * Errors:    TR_ENOMEM; TR_EINVAL; TR_EWRONGPLACE; TR_ESHUTDOWN. */
#define tr_task_spawn(out, fn, ...)                                                                \
    tr__task_spawn((out), (fn), (__VA_ARGS__), #fn, NULL, sizeof(tr_task_options))

/* The same on another loop, TR_LOOP(n). */
#define tr_task_spawn_on(out, loop, fn, ...)                                                       \
    tr__task_spawn((out), (fn), (__VA_ARGS__), #fn, TR__TASK_ON(loop), sizeof(tr_task_options))

/* The same with options, which may be NULL: tr_task_spawn_with(&task, fn, arg, &options). An arg
 * with commas in braces needs parentheses around it. */
#define tr_task_spawn_with(out, fn, arg, ...)                                                      \
    tr__task_spawn((out), (fn), (arg), #fn, (__VA_ARGS__), sizeof(tr_task_options))

TR_API int tr__task_submit(tr_future **out, int loop, tr_task_fn fn, void *arg, const char *name);

/* Start a task from anywhere: tr_submit(&future, loop, fn, arg). The future ends with the task's
 * result; cancelling it cancels the task. TR_LOOP_ANY: the caller's loop, or the one that serves
 * this foreign thread. out NULL: nobody waits. *out is NULL on error. What was accepted runs, also
 * when a shutdown begins meanwhile: cancelled, then. (Where there is no memory for its stack when
 * its turn comes, it ends with TR_ENOMEM, and fn is never called; so does any task.)
 * Ownership: *out is the caller's reference; arg stays the caller's until the task has ended.
 * Threads:   any; never blocks.
 * Errors:    TR_ENOMEM; TR_EINVAL; TR_ESHUTDOWN; TR_EFORKED. */
#define tr_submit(out, loop, fn, ...) tr__task_submit((out), (loop), (fn), (__VA_ARGS__), #fn)

TR_API int tr__call_from_thread(int loop, double timeout, tr_task_fn fn, void *arg,
                                const char *name);

/* The portal for threads: run fn(arg) as a task on a loop (TR_LOOP_ANY: the one that serves this
 * thread), and wait until it has ended: tr_call_from_thread(loop, timeout, fn, arg). So arg may be
 * on the caller's stack. After timeout seconds the task is cancelled, and waited for. If the caller
 * is a pool's job, the task is cancelled with it; one that is cancelled already calls nobody.
 * Threads: foreign threads, jobs of pools; blocks.
 * Errors:  the task's own result; TR_ETIMEDOUT; TR_ECANCELED the task, or the calling job, was
 *          cancelled; TR_EWRONGPLACE on a loop; TR_EINVAL, also for NaN; TR_ENOMEM; TR_ESHUTDOWN;
 *          TR_EFORKED. */
#define tr_call_from_thread(loop, timeout, fn, ...)                                                \
    tr__call_from_thread((loop), (timeout), (fn), (__VA_ARGS__), #fn)

/* One more reference; returns t. NULL is NULL.
 * Threads: any. */
TR_API tr_task *tr_task_ref(tr_task *t);

/* Give back one reference; NULL is allowed. The task goes on; if it ends with an error that nobody
 * looks at, that is logged, once.
 * Threads: any. */
TR_API void tr_task_unref(tr_task *t);

/* The same, said where it is meant: nobody waits for this task. So debug mode does not miss anybody
 * who looks at how it ended. */
TR_API void tr_task_detach(tr_task *t);

/* The future with its result, for tr_await and the like; NULL for NULL.
 * Ownership: borrowed while the caller has a reference to the task (tr_future_ref: its own).
 * Threads:   any. */
TR_API tr_future *tr_task_future(tr_task *t);

/* Await its end at most timeout seconds; else it is cancelled, and has ended when this returns.
 * Threads: tasks; foreign threads (blocks).
 * Errors:  the task's own result; TR_ETIMEDOUT; TR_ECANCELED the caller was cancelled (then the
 *          task was, too, and has ended), or the task; TR_EDEADLK it is the caller;
 *          TR_EWRONGPLACE; TR_EINVAL. */
TR_API int tr_task_wait(tr_task *t, double timeout);

/* Ask it to end: its awaits fail from now on. Returns 1 if it was still running, 0 if it had ended.
 * One that has not begun yet begins nevertheless, so that it cleans up.
 * Threads: any; never blocks.
 * Errors:  TR_EINVAL. */
TR_API int tr_task_cancel(tr_task *t);

/* Give a task, or the calling one (NULL), another name for logs. The name is copied.
 * Threads: the loop of the task.
 * Errors:  TR_ENOMEM; TR_EINVAL; TR_EWRONGPLACE. */
TR_API int tr_task_set_name(tr_task *t, const char *name);

/* Its name; NULL: of the calling task, "" where none runs.
 * Ownership: borrowed until it is renamed or freed.
 * Threads:   the loop of the task. */
TR_API const char *tr_task_name(tr_task *t);

/* ---- values of a task ---- */

/* A key: its address counts, so it lives as long as the program. The name is for people. */
typedef struct tr_local {
    const char *name;
} tr_local;

/* Set a value of the calling task, in the place of what it had. Tasks that it starts from now on
 * (tr_go, tr_task_spawn, tr_submit), on whichever loop, have it too; those that it has started
 * before, and its own parent, do not. drop(value) is called when the last task that has it has
 * ended, or has another; drop may be NULL.
 * Ownership: takes value, also on error.
 * Threads:   tasks; drop is called on any loop: it must not block.
 * Errors:    TR_ENOMEM; TR_EWRONGPLACE; TR_EINVAL. */
TR_API int tr_local_set(const tr_local *key, void *value, void (*drop)(void *value));

/* The value that the calling task has; NULL: none, or no task runs here.
 * Ownership: borrowed until the task sets another, or ends.
 * Threads:   any. */
TR_API void *tr_local_get(const tr_local *key);

/* ---- awaiting ---- */

/* Suspend the calling task for at least seconds (0 or less: as tr_yield). Resolution: about 0.1 ms
 * while the loop works, a millisecond when it has to wake up for it.
 * Threads: tasks.
 * Errors:  TR_ECANCELED; TR_EWRONGPLACE; TR_EINVAL NaN. */
TR_API int tr_sleep(double seconds);

/* Let everything else that is runnable on this loop run once. I/O, timers and what others send have
 * their turn, too, at most 64 turns of tasks after they are due.
 * Threads: tasks.
 * Errors:  TR_ECANCELED (at once, without yielding); TR_EWRONGPLACE. */
TR_API int tr_yield(void);

/* Whether the calling task is cancelled: its awaits fail. false where no task runs.
 * Threads: any. */
TR_API bool tr_cancel_requested(void);

/* Seconds until the nearest deadline of the calling task, 0 if it has passed; TR_FOREVER if there
 * is none, or no task runs.
 * Threads: any. */
TR_API double tr_deadline_left(void);

/* ---- blocks ---- */

/* The body of a block runs once; the guard's clean-up runs on every way out. */
#define TR__PASTE_(a, b) a##b
#define TR__PASTE(a, b)  TR__PASTE_(a, b)
#define TR__CLEANUP(fn)  __attribute__((cleanup(fn), unused))
#define TR__BLOCK(n, ...)                                                                          \
    for (__VA_ARGS__;; __extension__({ goto TR__PASTE(tr_out_, n); }))                             \
        if (0) {                                                                                   \
            TR__PASTE(tr_out_, n) : break;                                                         \
        } else

/* Opaque; its place is the block's. */
typedef struct tr_scope {
    uint64_t tr__opaque[24];
} tr_scope;
typedef struct tr_guard {
    uint64_t tr__opaque[16];
} tr_guard;

TR_API tr_scope *tr__scope_enter(tr_scope *s, int *rc);
TR_API void tr__scope_leave(tr_scope *s);

/* TR_SCOPE(s, &rc) { tr_go(s, ...); ... }: a block in which tasks are started, and that ends when
 * all of them have, whichever way it is left. It declares s. The first child that fails (a failed
 * spawn counts) cancels the others and the body. When the block has ended, rc is 0 or that first
 * failure, or else TR_ECANCELED if the block was cancelled from outside. A child that ends with
 * TR_ECANCELED has not failed. Where no task runs, spawns fail with TR_EWRONGPLACE.
 * gcc -O0 -Wall warns (-Wreturn-type) of a function whose last statement is a block that always
 * returns; with optimization it knows better. */
#define TR_SCOPE(s, rc)     TR__SCOPE(__COUNTER__, s, rc)
#define TR__SCOPE(n, s, rc) TR__SCOPE_(n, s, rc)
#define TR__SCOPE_(n, s, rc)                                                                       \
    TR__BLOCK(n, tr_scope TR__PASTE(tr_g_, n) TR__CLEANUP(tr__scope_leave),                        \
              *s TR__UNUSED_VARIABLE = tr__scope_enter(&TR__PASTE(tr_g_, n), (rc)))
#define TR__UNUSED_VARIABLE __attribute__((unused))

TR_API int tr__scope_spawn(tr_scope *s, int loop, tr_task_fn fn, const void *args, size_t args_size,
                           const char *name);

/* Start a child of the scope: tr_go(s, fn, .field = value, ...) with `struct fn_args` for a task
 * fn. The args are copied into the child.
 * Threads: the task of the scope, and its children on the same loop.
 * Errors:  TR_ENOMEM; TR_ECANCELED the scope is cancelled; TR_EALREADY it has been joined, or its
 *          body has ended; TR_EWRONGPLACE; TR_EINVAL; each is the scope's first failure, if there
 *          was none, but for TR_ECANCELED, and for TR_EWRONGPLACE on another loop or thread, which
 *          must not touch it. */
#define tr_go(s, ...) TR__GO(s, TR_LOOP_ANY, __VA_ARGS__, )

/* The same on another loop, TR_LOOP(n): siblings may run at the same time then. */
#define tr_go_on(s, loop, ...) TR__GO(s, loop, __VA_ARGS__, )
#define TR__GO(s, loop, fn, ...)                                                                   \
    tr__scope_spawn((s), (loop), (fn), TR__ARGS(fn, __VA_ARGS__), sizeof(struct fn##_args), #fn)
#ifndef __cplusplus
#define TR__ARGS(fn, ...) (__extension__ & (const struct fn##_args){ __VA_ARGS__ })
#define TR__TASK_ON(loop) (__extension__ & (const tr_task_options){ .on = (loop) })
#else
extern "C++" {
template <class T> static inline const T *tr__address_of(const T &value)
{
    return &value;
}
}
#define TR__ARGS(fn, ...) (__extension__ tr__address_of(fn##_args{ __VA_ARGS__ }))
#define TR__TASK_ON(loop) (__extension__ tr__address_of(tr_task_options{ (loop), 0, nullptr }))
#endif

/* Start a child that gets arg itself, which must live until the scope has ended.
 * Threads, errors: as tr_go. */
#define tr_scope_spawn(s, fn, ...) tr__scope_spawn_arg((s), TR_LOOP_ANY, (fn), (__VA_ARGS__), #fn)
#define tr_scope_spawn_on(s, loop, fn, ...)                                                        \
    tr__scope_spawn_arg((s), (loop), (fn), (__VA_ARGS__), #fn)
TR_API int tr__scope_spawn_arg(tr_scope *s, int loop, tr_task_fn fn, void *arg, const char *name);

TR_API int tr__scope_start(tr_scope *s, tr_task_fn fn, const void *args, size_t args_size,
                           const char *name);

/* The same as tr_go, and await until the child has called tr_ready: what it needs to do its work is
 * there then (a server listens, say). A child that ends before is no failure of the scope: its
 * error is returned here. If the caller is cancelled before, so is the child, and it has ended.
 * Threads: tasks, on the loop of the scope.
 * Errors:  the child's own; TR_EUNREADY it has ended well, but never was ready; as tr_go. */
#define tr_go_start(s, ...) TR__GO_START(s, __VA_ARGS__, )
#define TR__GO_START(s, fn, ...)                                                                   \
    tr__scope_start((s), (fn), TR__ARGS(fn, __VA_ARGS__), sizeof(struct fn##_args), #fn)

/* The calling task is ready: whoever started it with tr_go_start goes on. Where nobody waits for
 * that, nothing happens.
 * Threads: tasks.
 * Errors:  TR_EWRONGPLACE. */
TR_API int tr_ready(void);

/* A child that has failed, or could not be started. */
typedef struct tr_scope_error {
    int error;
    char task[44]; /* its name */
} tr_scope_error;

/* Copy the first `most` failures of a scope, the oldest first; returns how many there were. Inside
 * of the block, best after tr_scope_join. Failures that come when there is no memory are counted
 * only. 0 for NULL.
 * Threads: the loop of the scope. */
TR_API size_t tr_scope_errors(const tr_scope *s, tr_scope_error *errors, size_t most);

/* Cancel the body and all children; that alone is no failure. Returns 1 if it was not cancelled
 * before, else 0.
 * Threads: the loop of the scope.
 * Errors:  TR_EINVAL; TR_EWRONGPLACE. */
TR_API int tr_scope_cancel(tr_scope *s);

/* Await the children's end before the block ends; no more can be started. Returns what the block's
 * rc will be: `return tr_scope_join(s);` is right. A deadline inside of the scope, around this
 * call, cancels the children when it expires; they have ended when this returns.
 * Threads: the task of the scope.
 * Errors:  as the block; TR_ECANCELED also for such a deadline; TR_EINVAL; TR_EWRONGPLACE. */
TR_API int tr_scope_join(tr_scope *s);

TR_API tr_guard *tr__deadline_enter(tr_guard *guard, double seconds, int *rc);
TR_API tr_guard *tr__shield_enter(tr_guard *guard, double seconds);
TR_API void tr__guard_leave(tr_guard *guard);

/* TR_DEADLINE(seconds) { } or TR_DEADLINE(seconds, &rc) { }: inside, awaits fail with TR_ECANCELED
 * once the time has passed. Afterwards a rc of TR_ECANCELED is TR_ETIMEDOUT if it was this deadline
 * that expired, and no outer one: so an outer timeout is never mistaken for one's own. NaN expires
 * at once. Deadlines nest; the nearest counts. */
#define TR_DEADLINE(...)                  TR__DEADLINE(__COUNTER__, __VA_ARGS__, NULL, )
#define TR__DEADLINE(n, seconds, rc, ...) TR__DEADLINE_(n, seconds, rc)
#define TR__DEADLINE_(n, seconds, rc)                                                              \
    TR__BLOCK(n, tr_guard TR__PASTE(tr_g_, n) TR__CLEANUP(tr__guard_leave),                        \
              *TR__PASTE(tr_h_, n) TR__UNUSED_VARIABLE =                                           \
                  tr__deadline_enter(&TR__PASTE(tr_g_, n), (seconds), (rc)))

/* TR_SHIELD(seconds) { }: inside, nothing that comes from outside cancels, for clean-up that has to
 * await; but it is cancelled itself when the time has passed (TR_FOREVER: never). */
#define TR_SHIELD(seconds)     TR__SHIELD(__COUNTER__, seconds)
#define TR__SHIELD(n, seconds) TR__SHIELD_(n, seconds)
#define TR__SHIELD_(n, seconds)                                                                    \
    TR__BLOCK(n, tr_guard TR__PASTE(tr_g_, n) TR__CLEANUP(tr__guard_leave),                        \
              *TR__PASTE(tr_h_, n) TR__UNUSED_VARIABLE =                                           \
                  tr__shield_enter(&TR__PASTE(tr_g_, n), (seconds)))

typedef struct tr_deferred {
    void (*tr__fn)(void *arg);
    void *tr__arg;
} tr_deferred;

TR_API void tr__deferred_run(tr_deferred *deferred);

/* TR_DEFER(fn, arg): call fn(arg) at the end of the enclosing block, whichever way it is left, the
 * last one first; fn may be NULL. In a task it may await: it is shielded. */
#define TR_DEFER(fn, arg)     TR__DEFER(__COUNTER__, fn, arg)
#define TR__DEFER(n, fn, arg) TR__DEFER_(n, fn, arg)
#define TR__DEFER_(n, fn, arg)                                                                     \
    tr_deferred TR__PASTE(tr_d_, n) TR__CLEANUP(tr__deferred_run) = { (fn), (arg) }

#ifdef __cplusplus
}
#endif
#endif
