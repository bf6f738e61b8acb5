/* Asking from tasks and foreign threads: tr_ask, tr_ask_future. */
#include "actors/ask.h"

#include <math.h>

#include "actors/deliver.h"
#include "actors/end.h"
#include "actors/fibered.h"
#include "actors/request.h"
#include "actors/spawn.h"
#include "actors/type.h"
#include "runtime/task.h"

/* ---- the asker ---- */

static int asker_receive(tr_self *self, void *state, tr_msg *msg)
{
    (void)self;
    (void)state;
    (void)msg;
    return TR_UNHANDLED;
}

const tr_actor_class tr__asker_class = { .name = "asker", .receive = asker_receive };

/* The loop's asker, made at first use; NULL: out of memory, or of slots. */
static tr_self *asker_of(tr__home *home)
{
    int unused;
    tr_self *self;

    if (TR__LIKELY(home->asker != NULL))
        return home->asker;
    self = tr__slot_take(&home->slots, &unused);
    if (self == NULL)
        return NULL;
    tr__slot_occupy(home, self, &tr__asker_class);
    home->asker = self;
    return self;
}

void tr__asker_close(tr__home *home)
{
    tr_self *self = home->asker;

    home->asker = NULL;
    if (self != NULL)
        tr__dissolve(home, self, TR_ESHUTDOWN);
}

/* ---- what was asked ---- */

/* A question as the macros put it. */
typedef struct question {
    tr_pid to;
    double timeout;
    tr_type *type;
    const void *payload;
    size_t size;
    size_t answer_size;
} question;

static int refuse(const question *q, int error)
{
    tr__payload_drop(q->type, q->payload);
    return error;
}

/* When its time is over: the asker's own deadline counts, too. */
static TR__ALWAYS_INLINE uint64_t deadline_of(const question *q, uint64_t askers_ns)
{
    uint64_t deadline_ns = tr__request_deadline_ns(q->timeout);

    return deadline_ns < askers_ns ? deadline_ns : askers_ns;
}

/* Its message. NULL: out of memory; the payload has been dropped. */
static TR__ALWAYS_INLINE tr_msg *message_of(tr__home *home, const question *q, uint64_t deadline_ns)
{
    tr_msg *msg =
        tr__request_make(home, deadline_ns, 0, q->type, q->payload, q->size, q->answer_size);

    if (TR__UNLIKELY(msg == NULL))
        tr__payload_drop(q->type, q->payload);
    return msg;
}

/* Hand an answer over to `out`, or drop it. Takes both. */
static TR__ALWAYS_INLINE void take_answer(tr__home *home, void *out,
                                          const tr__open_request *request, const tr_type *type,
                                          tr_msg *msg, const void *payload)
{
    if (out != NULL)
        tr__payload_copy(out, payload, request->answer_size);
    else if (msg == NULL)
        tr__payload_drop(type, payload);
    if (msg == NULL)
        return;
    tr__bump_u64(&home->ledger.handled, 1);
    if (out != NULL)
        msg->tr__head &= ~TR__MSG_OWNS; /* it is the asker's now */
    tr__msg_end(home, msg);
}

/* ---- tasks ---- */

typedef struct asking {
    tr__wait wait;
    tr__open_request request;
    tr_pid to;
    void *out; /* NULL: only whether there was an answer */
    const tr_type *type;
    tr_pid *asks; /* whom the handler is known to wait for, while it does; NULL: a task */
    bool is_suspended;
    bool is_over;
} asking;

static asking *asking_of(tr__open_request *request)
{
    return TR__CONTAINER_OF(request, asking, request);
}

/* It may be over before the task has been suspended. */
static void end_asking(asking *a, int result)
{
    a->is_over = true;
    a->wait.result = result;
    if (a->asks != NULL)
        *a->asks = TR_PID_NONE;
    if (a->is_suspended)
        tr__wait_end(&a->wait, result);
}

static void answer_task(tr__home *home, tr__open_request *request, tr_msg *msg, const void *payload)
{
    asking *a = asking_of(request);

    take_answer(home, a->out, request, a->type, msg, payload);
    end_asking(a, 0);
}

static void fail_task(tr__home *home, tr__open_request *request, int error)
{
    (void)home;
    end_asking(asking_of(request), error);
}

static bool withdraw_asking(tr__wait *wait)
{
    asking *a = TR__CONTAINER_OF(wait, asking, wait);

    tr__request_close(tr__home_here(), &a->request);
    if (a->asks != NULL)
        *a->asks = TR_PID_NONE;
    return true;
}

static void describe_asking(const tr__wait *wait, tr__awaited *awaited)
{
    const asking *a = TR__CONTAINER_OF(wait, const asking, wait);

    awaited->what = "an answer";
    if (tr__timer_is_started(&a->request.timer))
        awaited->until_ns = a->request.timer.due_ns;
    tr__awaited_add(awaited, "is to answer", (tr__blocker){ a->to.tr__id, true });
}

static const tr__wait_kind ask_kind = { withdraw_asking, describe_asking };

static TR__ALWAYS_INLINE int ask_in_task(tr__home *home, tr_task *task, void *out,
                                         const question *q, tr_pid *asks)
{
    uint64_t task_deadline_ns = task->innermost->deadline_ns;
    uint64_t deadline_ns = deadline_of(q, task_deadline_ns);
    tr_self *asker = asker_of(home);
    tr_msg *msg = asker != NULL ? message_of(home, q, deadline_ns) : NULL;
    asking a;

    if (TR__UNLIKELY(msg == NULL))
        return asker != NULL ? TR_ENOMEM : refuse(q, TR_ENOMEM);
    a.wait.task = task;
    a.wait.kind = &ask_kind;
    a.to = q->to;
    a.out = out;
    a.type = q->type->tr__answer;
    a.asks = asks;
    a.is_suspended = false;
    a.is_over = false;
    /* The task's own deadline cancels it: the request needs a timer for a nearer one only. */
    tr__request_init(&a.request, answer_task, fail_task, q->answer_size,
                     deadline_ns < task_deadline_ns);
    if (tr__request_begin(home, asker, &a.request, q->to, msg) < 0) {
        tr__msg_end(home, msg);
        return TR_ENOMEM;
    }
    if (a.is_over)
        return a.wait.result;
    a.is_suspended = true;
    return tr__wait_suspend(&a.wait);
}

/* The same in the handler of an actor that awaits: others may wait for it. */
static TR__NOINLINE int ask_in_handler(tr__home *home, tr_task *task, void *out, const question *q)
{
    tr_pid *asks = tr__fibered_asks(home);
    int rc = tr__fibered_check_cycle(home, q->to);

    if (rc < 0)
        return refuse(q, rc);
    if (asks != NULL)
        *asks = q->to;
    rc = ask_in_task(home, task, out, q, asks);
    if (asks != NULL)
        *asks = TR_PID_NONE; /* it is, unless memory has run out */
    return rc;
}

/* ---- futures ---- */

/* A request whose end is a future's. The answer is copied into memory that was made before. */
typedef struct asked_future {
    tr_future future; /* first */
    tr__open_request request;
    tr__runnable give_up; /* posted by who cancels it */
    tr_msg *msg;          /* on its way to the loop */
    tr_pid to;
    const tr_type *type;    /* of the answer */
    uint32_t cancel_posted; /* 1: it was cancelled, and `give_up` is in use, for ever */
    bool is_open;           /* the request stands in the asker's table */
    void *answer;
} asked_future;

static asked_future *asked_of(tr_future *f)
{
    return TR__CONTAINER_OF(f, asked_future, future);
}

static void end_asked(asked_future *a, int status)
{
    void *value = status == 0 ? a->answer : NULL;

    a->is_open = false;
    if (status == 0)
        a->answer = NULL;
    tr__future_publish(&a->future, status, value, NULL); /* fini frees it */
}

static void answer_future(tr__home *home, tr__open_request *request, tr_msg *msg,
                          const void *payload)
{
    asked_future *a = TR__CONTAINER_OF(request, asked_future, request);

    take_answer(home, a->answer, request, a->type, msg, payload);
    end_asked(a, 0);
}

static void fail_future(tr__home *home, tr__open_request *request, int error)
{
    (void)home;
    end_asked(TR__CONTAINER_OF(request, asked_future, request), error);
}

static uint32_t run_give_up(tr__runnable *runnable, tr__loop *loop)
{
    asked_future *a = TR__CONTAINER_OF(runnable, asked_future, give_up);
    tr_future *f = tr_future_ref(&a->future);

    if (a->is_open) {
        tr__request_close(tr__home_from(loop), &a->request);
        end_asked(a, TR_ECANCELED);
    }
    tr_future_unref(f);
    tr_future_unref(f); /* the canceller's */
    return 1;
}

static void cancel_asked(tr_future *f)
{
    asked_future *a = asked_of(f);

    /* ordered: only one posts it; the post publishes the rest. */
    if (!tr__cas_ordered_u32(&a->cancel_posted, 0, 1))
        return;
    (void)tr_future_ref(f);
    if (!tr__loop_post(f->home, &a->give_up))
        tr_future_unref(f); /* the loop has quit: it has ended */
}

static void fini_asked(tr_future *f)
{
    asked_future *a = asked_of(f);

    if (f->value != NULL) {
        tr__payload_drop(a->type, f->value);
        tr__free(f->value);
    }
    tr__free(a->answer);
}

static const char *describe_asked(const tr_future *f)
{
    (void)f;
    return "an ask";
}

static tr__blocker blocker_of_asked(const tr_future *f)
{
    return (tr__blocker){ TR__CONTAINER_OF(f, const asked_future, future)->to.tr__id, true };
}

static const tr__future_kind asked_kind = {
    .what = "an answer",
    .blocker = blocker_of_asked,
    .cancel = cancel_asked,
    .describe = describe_asked,
    .fini = fini_asked,
    .has_block = true,
};

/* On its loop: ask. */
static void begin_asked(tr__home *home, asked_future *a)
{
    tr_msg *msg = a->msg;
    int rc = home->loop.phase <= TR__PHASE_HALT ? 0 : TR_ESHUTDOWN;
    tr_self *asker = NULL;

    a->msg = NULL;
    /* relaxed: a request; what comes later finds it open. */
    if (rc == 0 && tr__load_relaxed_u32(&a->cancel_posted) != 0)
        rc = TR_ECANCELED;
    if (rc == 0)
        asker = asker_of(home);
    a->is_open = true;
    if (asker != NULL && tr__request_begin(home, asker, &a->request, a->to, msg) == 0)
        return; /* it may have ended, and been freed */
    tr__msg_end(home, msg);
    end_asked(a, rc < 0 ? rc : TR_ENOMEM);
}

static void call_begin_asked(void *arg)
{
    begin_asked(tr__home_here(), arg);
}

/* A future for a question, HELD by its request, with the caller's reference. NULL: out of memory;
 * the payload has been dropped. */
static asked_future *make_asked(tr__home *home, const question *q, uint16_t number)
{
    uint64_t deadline_ns = UINT64_MAX;
    const tr_task *task = tr__task_here();
    tr_future *f = tr__future_make(&asked_kind, number, sizeof(asked_future));
    asked_future *a = f != NULL ? asked_of(f) : NULL;

    if (task != NULL)
        deadline_ns = task->innermost->deadline_ns;
    if (a == NULL) {
        (void)refuse(q, TR_ENOMEM);
        return NULL;
    }
    memset((char *)a + sizeof(a->future), 0, sizeof(*a) - sizeof(a->future));
    a->answer = tr__alloc(q->answer_size);
    a->msg = a->answer != NULL ? message_of(home, q, deadline_of(q, deadline_ns)) : NULL;
    if (a->msg == NULL) {
        if (a->answer == NULL)
            (void)refuse(q, TR_ENOMEM);
        tr_future_unref(f);
        return NULL;
    }
    a->give_up.run = run_give_up;
    tr__request_init(&a->request, answer_future, fail_future, q->answer_size, true);
    a->to = q->to;
    a->type = q->type->tr__answer;
    f->state |= TR__FUTURE_HELD; /* nobody else knows it yet */
    return a;
}

/* From a foreign thread, behind what it has sent before. */
static int send_asked(asked_future *a, uint16_t number)
{
    tr__parcel parcel = tr__parcel_call(call_begin_asked, a);
    int rc = tr__runtime_post((uint32_t)number - 1, &parcel);

    if (rc == 0)
        return 0;
    tr__msg_end(NULL, a->msg);
    a->future.state &= ~TR__FUTURE_HELD; /* nobody else knows it */
    a->future.seen = TR__FUTURE_SEEN;
    tr_future_unref(&a->future);
    return rc;
}

int tr__ask_future(tr_future **out, tr_pid to, double timeout, tr_type *type, const void *payload,
                   size_t size, size_t answer_size)
{
    question q = { to, timeout, type, payload, size, answer_size };
    tr__home *home = tr__home_here();
    int rc = home != NULL ? 0 : tr__runtime_check();
    asked_future *a;
    uint16_t number;

    if (out == NULL || isnan(timeout))
        rc = TR_EINVAL;
    if (out != NULL)
        *out = NULL;
    if (rc < 0)
        return refuse(&q, rc);
    number = (uint16_t)(home != NULL ? home->loop.number : tr__runtime_entry() + 1);
    a = make_asked(home, &q, number);
    if (a == NULL)
        return TR_ENOMEM;
    tr__future_want(&a->future, __builtin_return_address(0));
    if (home != NULL)
        begin_asked(home, a);
    else
        rc = send_asked(a, number);
    if (rc == 0)
        *out = &a->future;
    return rc;
}

/* ---- both ---- */

static int ask_from_outside(void *out, const question *q)
{
    tr_future *f;
    int rc = tr__ask_future(&f, q->to, q->timeout, q->type, q->payload, q->size, q->answer_size);
    void *value;

    if (rc < 0)
        return rc;
    rc = tr_future_wait(f, TR_FOREVER); /* its own time limit ends it */
    value = rc == 0 && out != NULL ? tr__future_take_value(f) : NULL;
    if (value != NULL) {
        memcpy(out, value, q->answer_size);
        tr__free(value);
    }
    tr_future_unref(f);
    return rc;
}

int tr__ask_await(void *out, tr_pid to, double timeout, tr_type *type, const void *payload,
                  size_t size, size_t answer_size)
{
    question q = { to, timeout, type, payload, size, answer_size };
    tr__home *home = tr__home_here();
    tr_task *task = tr__task_here();
    int rc = home == NULL || task != NULL ? 0 : TR_EWRONGPLACE;

    if (isnan(timeout))
        rc = TR_EINVAL;
    if (rc == 0 && task != NULL)
        rc = tr__task_checkpoint(task);
    if (rc < 0)
        (void)refuse(&q, rc);
    else if (home == NULL)
        rc = ask_from_outside(out, &q);
    else
        rc = home->frame.self == NULL ? ask_in_task(home, task, out, &q, NULL)
                                      : ask_in_handler(home, task, out, &q);
    if (TR__UNLIKELY(rc < 0) && out != NULL)
        memset(out, 0, answer_size);
    return rc;
}
