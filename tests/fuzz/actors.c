/* A program of actors: two foreign threads, two tasks, and four roles, each with a script. An actor
 * does the next step of its script with each message that it handles; letters.h knows what must
 * become of all. */
#include "fuzz/actors.h"

#include <stdio.h>
#include <string.h>

enum { MOST_REPEATS = 4, MOST_HOPS = 3 };

/* What a script may say. */
typedef enum op_code {
    SEND,
    SEND_MORE,
    ASK,
    ASK_AGAIN,
    SPAWN,
    STOP,
    KILL,
    EXIT,
    BECOME,
    TIMER,
    TIMER_CANCEL,
    KEEP,
    PASS_KEPT,
    PASS_ON,
    ANSWER_LATER,
    WAIT,
    INBOX_OPEN,
    INBOX_READ,
    INBOX_CLOSE,
    ANSWER_UNHANDLED,
    OPS
} op_code;

static fuzz_script scripts[FUZZ_SCRIPTS]; /* of the outsiders, and then of the roles */

static tr_future *futures[OUTSIDERS]; /* of the tasks */

/* ---- actors ---- */

typedef struct actor_args {
    int32_t life;
    int32_t refuses;
} actor_args;

typedef struct actor_state {
    int32_t life;
} actor_state;

static int receive_plainly(tr_self *self, void *state, tr_msg *msg);
static int receive_otherwise(tr_self *self, void *state, tr_msg *msg);
static int begin_life(tr_self *self, void *state, const void *args);
static void end_life(tr_self *self, void *state, int reason);

#define CLASS(...)                                                                                 \
    {                                                                                              \
        .state_size = sizeof(actor_state), .args_size = sizeof(actor_args), .init = begin_life,    \
        .receive = receive_plainly, .stop = end_life, __VA_ARGS__                                  \
    }

static const tr_actor_class classes[] = {
    CLASS(.name = "plain"),
    CLASS(.name = "awaits", .awaits = true, .stop_timeout = 1),
    CLASS(.name = "rejects", .mailbox_limit = 2),
    CLASS(.name = "drops new", .mailbox_limit = 2, .on_full = TR_FULL_DROP_NEW),
    CLASS(.name = "drops old", .mailbox_limit = 2, .on_full = TR_FULL_DROP_OLD),
    CLASS(.name = "stops", .mailbox_limit = 3, .on_full = TR_FULL_STOP),
    CLASS(.name = "bytes", .mailbox_bytes = 200, .on_full = TR_FULL_DROP_OLD),
    CLASS(.name = "awaits, limited", .awaits = true, .mailbox_limit = 3, .stop_timeout = 1),
};
enum { CLASSES = sizeof(classes) / sizeof(classes[0]) };

/* ---- lives ---- */

static int begin_life(tr_self *self, void *state, const void *args)
{
    const actor_args *a = args;
    life *me = &world.lives[a->life];

    TELL("life %d begins, %s", a->life, me->cls->name);
    EXPECT_OF(a->life, 0, me->inits++ == 0);
    me->pid = tr_self_pid(self);
    EXPECT_OF(a->life, me->loop, me->loop == 0 || me->loop == tr_loop_current());
    me->loop = tr_loop_current();
    ((actor_state *)state)->life = a->life;
    me->is_refused = a->refuses;
    return a->refuses ? REPLY_CODE : 0;
}

static void do_spawn(const doer *d, uint8_t a, uint8_t b)
{
    const tr_actor_class *cls = &classes[b % CLASSES];
    int loop = b / CLASSES % 4;
    tr_spawn_options options = { .place = (a & 0x40) ? TR_PLACE_SPREAD : TR_PLACE_NEAR };
    int number = life_new(a % ROLES, cls);
    actor_args args = { .life = number, .refuses = (a & 0x38) == 0x38 };
    life *l;
    tr_pid pid;
    int rc;

    if (number < 0)
        return;
    l = &world.lives[number];
    if (loop < fuzz_now.loops)
        options.on = l->loop = TR_LOOP(loop);
    if (d->self || (a & 0x80))
        rc = tr_spawn_async(&pid, cls, &args, &options);
    else
        rc = tr_spawn_with(&pid, cls, &args, &options);
    TELL("life %d is spawned by %d, %s: %s", number, d->number, cls->name, tr_err_name(rc));
    if (rc == 0) {
        EXPECT_OF(number, l->inits, d->self || (a & 0x80) || l->inits == 1);
        l->pid = pid;
        tenants[a % ROLES] = number;
        return;
    }
    if (rc == TR_ECANCELED && may_be_cancelled(d))
        return; /* it may live all the same */
    EXPECT_OF(number, rc, (rc == REPLY_CODE && args.refuses) || may_be_refused(rc));
    EXPECT_OF(number, rc, l->inits == (rc == REPLY_CODE));
    l->is_refused = true;
}

static void do_end(const doer *d, uint8_t a, bool is_kill)
{
    int to = target_of(a);
    int rc;

    if (to < 0 || world.lives[to].role < 0)
        return; /* an inbox is its owner's to end */
    life_asked_to_end(to, d->number, is_kill);
    rc = is_kill ? tr_kill(world.lives[to].pid) : tr_stop(world.lives[to].pid);
    TELL("life %d is asked to end: %s", to, tr_err_name(rc));
    if (rc == 0)
        return;
    life_not_asked(to, d->number);
    EXPECT_OF(to, rc, (rc == TR_EDEAD && life_may_be_dead(&world.lives[to])) || may_be_refused(rc));
}

static void say_exit(life *me, int reason)
{
    if (!me->exits)
        me->exit_reason = reason;
    me->exits = true;
}

static void give_up_asker(life *me)
{
    if (me->asked < 0)
        return;
    ask_settled(me->asked, REPLY_CODE);
    me->asked = -1;
    (void)tr_answer_error(me->asker, REPLY_CODE); /* the shutdown may refuse it */
}

static void end_life(tr_self *self, void *state, int reason)
{
    int number = ((actor_state *)state)->life;
    life *me = &world.lives[number];

    life_stopped(number, reason);
    EXPECT_OF(number, me->loop, tr_loop_current() == me->loop);
    EXPECT(tr_pid_eq(tr_self_pid(self), me->pid));
    give_up_asker(me);
    tr_msg_free(me->kept);
    me->kept = NULL;
    if (me->cls->awaits && number % 2)
        EXPECT_OF(number, reason, tr_sleep(0.1) == 0 || fuzz_now.faults); /* for stop_timeout */
}

/* ---- an actor's own affairs ---- */

static void do_timer(doer *d, uint8_t a, uint8_t b)
{
    life *me = life_of(d);
    int key = a % (KEYS + 1);
    bool repeats = (b & 1) && key != 0;
    double delay = repeats ? 0.01 : (double)(b / 2) / 100;
    int number = letter_new(TICK, d->number, d->number);
    letter *l = letter_at(number);
    int rc;

    if (number < 0)
        return;
    l->due = fuzz_time() + delay;
    l->key = key;
    l->repeats = repeats;
    rc = repeats ? tr_send_every(d->self, delay, (uint64_t)key, tick, .number = number)
                 : tr_send_after(d->self, delay, (uint64_t)key, tick, .number = number);
    TELL("life %d starts timer %d of key %d: %s", d->number, number, key, tr_err_name(rc));
    if (rc < 0) {
        EXPECT_OF(number, rc, fuzz_is_want(rc));
        letter_gone(number);
        return;
    }
    if (key == 0)
        return;
    if (me->timers[key] >= 0)
        letter_gone(me->timers[key]);
    me->timers[key] = number;
}

static void do_timer_cancel(const doer *d, int key)
{
    life *me = life_of(d);
    int rc = tr_timer_cancel(d->self, (uint64_t)key);

    TELL("life %d cancels its timer of key %d: %d", d->number, key, rc);
    EXPECT_OF(d->number, rc, rc == (me->timers[key] >= 0));
    if (me->timers[key] >= 0)
        letter_gone(me->timers[key]);
    me->timers[key] = -1;
}

static void do_become(const doer *d, uint8_t a)
{
    int rc = tr_become(d->self, a % 2 ? receive_otherwise : NULL);

    EXPECT_OF(d->number, rc, rc == 0 || fuzz_is_want(rc));
    if (rc == 0)
        life_of(d)->behaviour = a % 2;
}

static void do_keep(doer *d)
{
    life *me = life_of(d);
    const letter *l = letter_at(d->letter);

    if (!l || !d->msg || me->kept || l->kind == QUESTION || l->kind == TICK)
        return;
    me->kept = tr_msg_keep(d->msg);
    EXPECT(me->kept == d->msg);
    me->kept_letter = d->letter;
    d->msg = NULL;
}

static void do_pass_kept(const doer *d, uint8_t a, uint8_t b)
{
    life *me = life_of(d);
    int to = target_of(a);
    tr_msg *msg = me->kept;
    int rc;

    if (!msg || to < 0)
        return;
    me->kept = NULL;
    letter_again(me->kept_letter, d->number, to);
    if (b % 2) {
        letter_sent(me->kept_letter, tr_send_msg(world.lives[to].pid, msg));
        return;
    }
    rc = tr_try_send_msg(world.lives[to].pid, msg);
    TELL("letter %d is tried at life %d: %s", me->kept_letter, to, tr_err_name(rc));
    if (rc == 0)
        return;
    letter_gone(me->kept_letter); /* it is still ours, and no dead letter */
    tr_msg_free(msg);
}

static void do_pass_on(doer *d, int to)
{
    tr_msg *msg = d->msg;

    if (!msg || to < 0 || d->letter < 0 || world.letters[d->letter].kind == TICK)
        return;
    d->msg = NULL;
    letter_again(d->letter, d->number, to);
    letter_sent(d->letter, tr_forward(msg, world.lives[to].pid));
}

static void do_answer_later(const doer *d)
{
    life *me = life_of(d);
    int number = me->asked;
    int rc;

    if (number < 0)
        return;
    me->asked = -1;
    ask_settled(number, 0);
    rc = tr_answer(me->asker, answer, .value = value_of(number));
    EXPECT_OF(number, rc, rc == 0 || may_be_refused(rc));
    if (rc < 0)
        world.letters[number].may_cancel = true; /* it may not even have been told */
}

/* ---- steps ---- */

static void do_wait(const doer *d, uint8_t a)
{
    double seconds = (double)a / 200;
    double begun = fuzz_time();
    int rc;

    if (!d->self && !is_task(d)) {
        tr_sim_sleep(seconds);
        return;
    }
    if (d->self && !life_of(d)->cls->awaits)
        return;
    rc = tr_sleep(seconds);
    TELL("life, or outsider, %d has slept: %s", d->number, tr_err_name(rc));
    EXPECT((rc == 0 && fuzz_time() >= begun + seconds) ||
           (rc == TR_ECANCELED && may_be_cancelled(d)));
}

static void cancel_task(int outsider)
{
    world.is_cancelled[outsider] = true;
    if (futures[outsider])
        EXPECT(tr_future_cancel(futures[outsider]) >= 0);
}

static void do_step_of_outsider(const doer *d, const fuzz_op *op)
{
    switch (op->code % OPS) {
    case INBOX_OPEN:
        do_inbox_open(d, op->a);
        break;
    case INBOX_READ:
        do_inbox_read(d, op->a);
        break;
    case INBOX_CLOSE:
        do_inbox_close(outsider_of(d));
        break;
    case EXIT:
        cancel_task(THREADS + op->a % (OUTSIDERS - THREADS));
        break;
    default:
        do_spawn(d, op->a, op->b); /* what only actors can do */
    }
}

static void do_step_of_actor(doer *d, const fuzz_op *op)
{
    life *me = life_of(d);

    switch (op->code % OPS) {
    case EXIT:
        say_exit(me, op->a % 2 ? 0 : REPLY_CODE);
        EXPECT(tr_exit(d->self, op->a % 2 ? 0 : REPLY_CODE) == 0);
        break;
    case BECOME:
        do_become(d, op->a);
        break;
    case TIMER:
        do_timer(d, op->a, op->b);
        break;
    case TIMER_CANCEL:
        do_timer_cancel(d, 1 + op->a % KEYS);
        break;
    case KEEP:
        do_keep(d);
        break;
    case PASS_KEPT:
        do_pass_kept(d, op->a, op->b);
        break;
    case PASS_ON:
        do_pass_on(d, target_of(op->a));
        break;
    case ANSWER_LATER:
        do_answer_later(d);
        break;
    default:
        if (d->msg && d->letter >= 0 && d->rc == 0 && world.letters[d->letter].kind <= OWNING)
            d->rc = TR_UNHANDLED;
    }
}

static void do_step(doer *d, const fuzz_op *op)
{
    switch (op->code % OPS) {
    case SEND:
    case SEND_MORE:
        do_send(d, op->a, op->b);
        break;
    case ASK:
    case ASK_AGAIN:
        do_ask(d, op->a, op->b, op->code % OPS == ASK_AGAIN);
        break;
    case SPAWN:
        do_spawn(d, op->a, op->b);
        break;
    case STOP:
    case KILL:
        do_end(d, op->a, op->code % OPS == KILL);
        break;
    case WAIT:
        do_wait(d, op->a);
        break;
    default:
        if (d->self)
            do_step_of_actor(d, op);
        else
            do_step_of_outsider(d, op);
    }
}

/* ---- handlers ---- */

static void reply(doer *d, int rc_wanted)
{
    int number = d->letter;
    int rc = tr_reply(d->self, answer, .value = value_of(number));

    if (fuzz_is_want(rc))
        ask_settled(number, rc);
    EXPECT_OF(number, rc, rc == rc_wanted || may_be_refused(rc));
}

/* Do with a question what its asker has chosen. */
static void treat(doer *d)
{
    life *me = life_of(d);
    int number = d->letter;

    switch (world.letters[number].treatment) {
    case REPLY:
    case REPLY_TWICE:
        ask_settled(number, 0);
        reply(d, 0);
        if (world.letters[number].treatment == REPLY_TWICE)
            (void)tr_reply_error(d->self, REPLY_CODE); /* comes too late */
        break;
    case REPLY_ERROR:
        ask_settled(number, REPLY_CODE);
        (void)tr_reply_error(d->self, REPLY_CODE); /* without memory, the asker hears that */
        break;
    case REPLY_WRONG:
        ask_settled(number, TR_EPROTO);
        (void)tr_reply(d->self, wrong_answer, .value = 1); /* as above */
        break;
    case REPLY_LATER:
        if (me->asked >= 0)
            break;
        me->asker = tr_take_asker(d->self);
        me->asked = number;
        world.letters[number].is_asker_taken = true;
        break;
    case REFUSE:
        d->rc = TR_UNHANDLED;
        break;
    case FAIL:
        say_exit(me, REPLY_CODE);
        ask_settled(number, TR_EDEAD);
        d->rc = REPLY_CODE;
        break;
    case FORWARD:
        if (world.letters[number].hops++ < MOST_HOPS) /* it might go round for ever */
            do_pass_on(d, tenants[(number + 1) % ROLES]);
        break;
    default:
        break; /* its time limit ends it */
    }
}

static void handle_letter(doer *d)
{
    letter *l = &world.letters[d->letter];

    letter_handled(d->letter, d->number);
    if (l->kind == QUESTION && !l->is_asker_taken)
        treat(d);
    if (l->kind == TICK && l->repeats && ++l->ticks == MOST_REPEATS)
        do_timer_cancel(d, l->key);
    if (l->kind == OWNING && d->letter % 3 == 0) {
        EXPECT_OF(d->letter, 0, tr_take(d->msg, owning_letter) != NULL);
        l->taken++;
        d->msg = NULL; /* it is no letter any more */
    }
}

/* A question that is not answered when its actor ends by this handler fails. */
static void leave_unanswered(const life *me, int number)
{
    if (world.letters[number].kind != QUESTION || world.letters[number].is_asker_taken)
        return;
    if (me->exits)
        ask_settled(number, TR_EDEAD);
    world.letters[number].may_die = life_may_be_cancelled(me);
}

static int receive(tr_self *self, void *state, tr_msg *msg, int behaviour)
{
    int number = ((actor_state *)state)->life;
    life *me = &world.lives[number];
    doer d = { .number = number, .self = self, .msg = msg, .letter = letter_of(msg) };
    const fuzz_op *op;

    EXPECT_OF(number, me->loop, tr_loop_current() == me->loop);
    EXPECT_OF(number, me->inside, me->inside++ == 0);
    EXPECT_OF(number, behaviour, me->behaviour == behaviour);
    if (d.letter >= 0)
        handle_letter(&d);
    else
        EXPECT(hear(msg));
    op = d.rc == 0 ? fuzz_next(&scripts[OUTSIDERS + me->role]) : NULL;
    if (op)
        do_step(&d, op);
    if (d.rc == TR_UNHANDLED) {
        world.letters[d.letter].is_unfit = true;
        world.letters[d.letter].end = OPEN;
    }
    if (d.letter >= 0 && d.msg)
        leave_unanswered(me, d.letter);
    me->inside--;
    return d.rc;
}

static int receive_plainly(tr_self *self, void *state, tr_msg *msg)
{
    return receive(self, state, msg, 0);
}

static int receive_otherwise(tr_self *self, void *state, tr_msg *msg)
{
    return receive(self, state, msg, 1);
}

/* ---- the program ---- */

static void run_outsider(int outsider)
{
    doer d = { .number = SENDER_OUTSIDE(outsider), .letter = -1 };
    const fuzz_op *op;

    while ((op = fuzz_next(&scripts[outsider])) != NULL)
        do_step(&d, op);
    if (outsider > 0)
        do_inbox_close(outsider);
}

static void *run_second(void *unused)
{
    (void)unused;
    run_outsider(1);
    return NULL;
}

static int run_task(void *arg)
{
    const int *outsider = arg;

    run_outsider(*outsider);
    return 0;
}

static void start_tasks(void)
{
    static int numbers[OUTSIDERS];

    for (int i = THREADS; i < OUTSIDERS; i++) {
        int rc;

        numbers[i] = i;
        rc = tr_submit(&futures[i], TR_LOOP(i % fuzz_now.loops), run_task, &numbers[i]);
        EXPECT_OF(i, rc, rc == 0 || fuzz_is_want(rc));
    }
}

static void join_tasks(void)
{
    for (int i = THREADS; i < OUTSIDERS; i++) {
        int rc = futures[i] ? tr_future_wait(futures[i], TR_FOREVER) : 0;

        EXPECT_OF(i, rc, rc == 0 || fuzz_is_want(rc));
        tr_future_unref(futures[i]);
        futures[i] = NULL;
    }
}

void actors_program(fuzz_input *in)
{
    uint8_t how = fuzz_byte(in);
    tr_sim_thread *second;
    int rc;

    name_letters();
    tenants_begin();
    world_begin();
    fuzz_read_scripts(in, scripts);
    EXPECT(tr_on_dead_letter(letter_dead, NULL) == 0);
    rc = tr_start(&(tr_config){ .loops = fuzz_now.loops, .budget_msgs = (how & 1) ? 2 : 0 });
    EXPECT(rc == 0 || fuzz_is_want(rc));
    if (rc < 0)
        return;
    EXPECT(tr_sim_thread_start(&second, "second", run_second, NULL) == 0);
    start_tasks();
    run_outsider(0);
    if (!(how & 2)) { /* else the shutdown meets all that is under way */
        (void)tr_sim_thread_join(second);
        join_tasks();
        tr_sim_sleep(500);
        expect_settled();
    }
    world.is_stopping = true;
    EXPECT(tr_shutdown(1000) == 0);
    if (how & 2)
        (void)tr_sim_thread_join(second);
    join_tasks();
    do_inbox_close(0);
    expect_all_ended();
}
