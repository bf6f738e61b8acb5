/* The model of actors: see letters.h. */
#include "fuzz/letters.h"

#include <string.h>

/* No letter to an actor that never awaits is under way for longer: a wake-up that is lost shows
 * only in the time, for a loop wakes every minute all the same, by libev's own rule. */
static const double LONGEST = 30;

fuzz_world world;

void world_begin(void)
{
    name_letters();
    memset(&world, 0, sizeof(world));
    world.order = 1;
}

bool may_be_refused(int rc)
{
    return fuzz_is_want(rc) || (rc == TR_ESHUTDOWN && world.is_stopping);
}

/* ---- lives ---- */

int life_new(int role, const tr_actor_class *cls)
{
    int number = world.life_count;
    life *me;

    if (number == LIVES)
        return -1;
    me = &world.lives[world.life_count++];
    *me = (life){ .role = role, .cls = cls, .asked = -1 };
    for (int key = 0; key <= KEYS; key++)
        me->timers[key] = -1;
    return number;
}

void life_asked_to_end(int to, int sender, bool is_kill)
{
    life *l = &world.lives[to];

    l->may_kill = l->may_kill || is_kill;
    l->may_stop = l->may_stop || !is_kill;
    if (l->stopped[sender + OUTSIDERS] == 0)
        l->stopped[sender + OUTSIDERS] = world.order++;
}

void life_not_asked(int to, int sender)
{
    world.lives[to].stopped[sender + OUTSIDERS] = UINT32_MAX; /* nothing is known any more */
}

bool life_may_be_cancelled(const life *me)
{
    return me->may_stop || me->may_kill || me->cls->on_full == TR_FULL_STOP || world.is_stopping;
}

static bool may_end_with(const life *me, int reason)
{
    switch (reason) {
    case TR_ESTOPPED:
        return me->may_stop;
    case TR_EKILLED:
        return me->may_kill;
    case TR_ESHUTDOWN:
        return world.is_stopping;
    case TR_EFULL:
        return me->cls->on_full == TR_FULL_STOP;
    default:
        return me->exits && reason == me->exit_reason;
    }
}

void life_stopped(int number, int reason)
{
    life *me = &world.lives[number];

    TELL("life %d stops: %s", number, tr_err_name(reason));
    EXPECT_OF(number, reason, may_end_with(me, reason));
    EXPECT_OF(number, reason, me->inits == 1 && ++me->stops == 1 && !me->is_refused);
    EXPECT_OF(number, reason, me->inside == 0);
    me->is_over = true;
    for (int i = 0; i < world.letter_count; i++) {
        letter *l = &world.letters[i];

        if (l->kind == TICK && l->life == number && l->end == OPEN)
            l->end = GONE;
    }
}

/* ---- letters ---- */

letter *letter_at(int number)
{
    return number >= 0 ? &world.letters[number] : NULL;
}

int letter_new(letter_kind kind, int sender, int to)
{
    letter *l;

    if (world.letter_count == LETTERS || to < 0)
        return -1;
    l = &world.letters[world.letter_count];
    *l = (letter){ .kind = kind,
                   .sender = sender,
                   .asker = sender,
                   .life = to,
                   .order = world.order++,
                   .sent_at = fuzz_time(),
                   .owned = kind == OWNING };
    return world.letter_count++;
}

void letter_again(int number, int sender, int to)
{
    letter *l = &world.letters[number];

    EXPECT_OF(number, 0, l->end == HANDLED);
    l->end = OPEN;
    l->sender = sender;
    l->life = to;
    l->order = world.order++;
    l->sent_at = fuzz_time();
}

/* One that is asked to end before it has begun never begins, nor does one for which there is no
 * memory. */
bool life_may_be_dead(const life *l)
{
    return l->is_over || l->is_refused || (l->role < 0 && world.is_stopping) ||
           (l->inits == 0 && (life_may_be_cancelled(l) || fuzz_now.faults));
}

static bool has_limits(const life *l)
{
    return l->cls->mailbox_limit > 0 || l->cls->mailbox_bytes > 0;
}

void letter_sent(int number, int rc)
{
    letter *l = &world.letters[number];
    const life *to = &world.lives[l->life];

    TELL("letter %d to life %d: %s", number, l->life, tr_err_name(rc));
    if (rc == 0)
        return;
    if (fuzz_is_want(rc) && l->end == OPEN) { /* it could not even be made */
        l->end = DEAD;
        l->reason = rc;
    }
    EXPECT_OF(number, rc, l->end == DEAD && l->reason == rc);
    EXPECT_OF(number, rc,
              (rc == TR_EDEAD && life_may_be_dead(to)) || (rc == TR_EFULL && has_limits(to)) ||
                  may_be_refused(rc));
}

static bool has_fill(const struct large_letter *large)
{
    for (size_t i = 0; i < sizeof(large->fill); i++)
        if (large->fill[i] != (uint8_t)(large->number + (int)i))
            return false;
    return true;
}

int letter_of(const tr_msg *msg)
{
    const struct small_letter *small = tr_as(msg, small_letter);
    const struct large_letter *large = tr_as(msg, large_letter);
    const struct owning_letter *owning = tr_as(msg, owning_letter);
    const struct question *q = tr_as(msg, question);
    const struct tick *t = tr_as(msg, tick);
    int number = -1;

    if (small)
        number = small->number;
    else if (owning)
        number = owning->number;
    else if (q)
        number = q->number;
    else if (t)
        number = t->number;
    else if (large) {
        number = large->number;
        EXPECT(has_fill(large));
    }
    EXPECT(number < world.letter_count);
    return number;
}

void drop_owning_letter(struct owning_letter *payload)
{
    world.letters[payload->number].dropped++;
}

static bool may_stay_open(const letter *l)
{
    return l->is_lost || l->is_withdrawn;
}

static bool has_order(const letter *l)
{
    return l->kind != TICK;
}

/* What this sender sent to the same receiver before has ended; and it had not asked it to end. */
static void expect_in_order(int number)
{
    const letter *l = &world.letters[number];
    uint32_t stopped = world.lives[l->life].stopped[l->sender + OUTSIDERS];

    for (int i = 0; i < world.letter_count; i++) {
        const letter *other = &world.letters[i];

        if (other->life == l->life && other->sender == l->sender && other->order < l->order &&
            has_order(other) && !may_stay_open(other))
            EXPECT_OF(i, number, other->end != OPEN);
    }
    EXPECT_OF(number, 0, stopped == 0 || stopped > l->order);
}

static void expect_timely(int number)
{
    const letter *l = &world.letters[number];
    const life *me = &world.lives[l->life];

    if (l->kind == TICK) {
        EXPECT_OF(number, 0, fuzz_time() >= l->due);
        EXPECT_OF(number, 0, l->key == 0 || me->timers[l->key] == number);
    }
    if (!fuzz_now.stalls && me->role >= 0 && !me->cls->awaits)
        EXPECT_OF(number, 0,
                  fuzz_time() - (l->kind == TICK ? l->due : l->sent_at) < LONGEST || l->repeats);
}

void letter_handled(int number, int to)
{
    letter *l = &world.letters[number];
    const life *me = &world.lives[to];

    TELL("life %d handles letter %d", to, number);
    EXPECT_OF(number, to, l->life == to);
    EXPECT_OF(number, to, l->end == OPEN && !l->is_lost);
    EXPECT_OF(number, to, me->inits == 1 || me->role < 0);
    EXPECT_OF(number, to, !me->is_over && !me->exits && !me->is_refused);
    EXPECT_OF(number, to, l->dropped == 0 && l->taken == 0);
    if (has_order(l))
        expect_in_order(number);
    expect_timely(number);
    if (!l->repeats)
        l->end = HANDLED;
    if (l->kind == TICK && l->key != 0 && !l->repeats)
        world.lives[to].timers[l->key] = -1;
}

void letter_gone(int number)
{
    letter *l = &world.letters[number];

    EXPECT_OF(number, 0, l->end == OPEN);
    l->end = GONE;
}

/* ---- dead letters ---- */

/* Whether so much can have been queued: the letter itself does not count; one that a handler awaits
 * with does, and so do answers. (A thread may have read its inbox since that was found full.) */
static bool may_be_full(const letter *dying)
{
    int to = dying->life;
    const life *me = &world.lives[to];
    size_t most = (size_t)me->inside;

    for (int i = 0; i < world.letter_count; i++) {
        const letter *l = &world.letters[i];

        most += l != dying && l->life == to && l->end == OPEN && !l->is_lost;
        most += l->kind == QUESTION && l->asker == to && !l->awaits && !l->is_over && !l->is_lost;
    }
    if (me->role < 0 || me->cls->mailbox_bytes > 0)
        return has_limits(me);
    return has_limits(me) && most >= me->cls->mailbox_limit;
}

static bool may_die_of(const letter *l, int reason)
{
    const life *to = &world.lives[l->life];

    switch (reason) {
    case TR_EDEAD:
        return life_may_be_dead(to);
    case TR_EFULL:
        return may_be_full(l);
    case TR_EUNHANDLED:
        return l->is_unfit;
    case TR_ESHUTDOWN:
        return world.is_stopping;
    case TR_ETIMEDOUT:
        return l->kind == QUESTION && fuzz_time() >= l->limit;
    default:
        return fuzz_is_want(reason);
    }
}

static void count_dead(int reason)
{
    static const int reasons[] = { TR_EDEAD,     TR_EFULL,  TR_EUNHANDLED,
                                   TR_ESHUTDOWN, TR_ENOMEM, TR_ETIMEDOUT };

    for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
        world.dead[i] += reasons[i] == reason && tr_loop_current() > 0;
}

static bool is_inbox(tr_pid pid)
{
    for (int i = 0; i < world.life_count; i++)
        if (tr_pid_eq(world.lives[i].pid, pid))
            return world.lives[i].role < 0;
    return false;
}

void letter_dead(void *unused, const tr_dead_letter *dead)
{
    int number = dead->msg != NULL ? letter_of(dead->msg) : -1;
    letter *l = letter_at(number);

    (void)unused;
    count_dead(dead->reason);
    world.unread += dead->reason == TR_EDEAD && is_inbox(dead->to);
    if (number < 0) { /* an answer, or one that could not be made */
        EXPECT(dead->msg != NULL || fuzz_is_want(dead->reason));
        return;
    }
    TELL("letter %d is dead: %s", number, tr_err_name(dead->reason));
    EXPECT_OF(number, dead->reason, l->end == OPEN && !l->is_lost);
    EXPECT_OF(number, dead->reason, may_die_of(l, dead->reason));
    EXPECT_OF(number, dead->reason, l->dropped == 0);
    l->end = DEAD;
    l->reason = dead->reason;
    if (l->kind == QUESTION && dead->reason != TR_ETIMEDOUT && !l->is_asker_taken)
        ask_settled(number, dead->reason);
}

/* ---- asks ---- */

int64_t value_of(int number)
{
    return (int64_t)number * 1000003 + 17;
}

void ask_settled(int number, int outcome)
{
    letter *l = &world.letters[number];

    if (l->is_settled)
        return; /* the first answer counts */
    l->is_settled = true;
    l->settled_at = fuzz_time();
    l->outcome = outcome;
}

/* Whether its time may have been over before what its receiver said had come. */
static bool may_time_out(const letter *l)
{
    bool is_slow = fuzz_now.stalls || fuzz_now.faults;

    return fuzz_time() >= l->limit && (!l->is_settled || is_slow || l->limit - l->settled_at < 1);
}

void ask_heard(int number, int rc, int64_t value)
{
    letter *l = &world.letters[number];

    TELL("ask %d has heard %s", number, tr_err_name(rc));
    EXPECT_OF(number, rc, !l->is_over);
    l->is_over = true;
    if (rc == TR_ETIMEDOUT)
        EXPECT_OF(number, rc, may_time_out(l));
    else if (rc == TR_ECANCELED && l->may_cancel)
        return;
    else if (rc == TR_EDEAD && l->may_die && !l->is_settled)
        return;
    else if (rc == TR_EDEADLK && l->awaits && l->asker >= 0)
        return;
    else if (may_be_refused(rc))
        return;
    else
        EXPECT_OF(number, rc, l->is_settled && rc == l->outcome);
    if (rc == 0)
        EXPECT_OF(number, rc, value == value_of(number));
}

/* ---- at the end ---- */

/* Whether its asker must have heard by now. */
static bool must_have_heard(const letter *l)
{
    bool is_there = l->asker < 0 || !world.lives[l->asker].is_over;

    return l->kind == QUESTION && !l->is_lost && is_there && !l->awaits && !l->may_cancel &&
           (l->is_settled || l->limit < TR_FOREVER);
}

/* Whether it waits in an inbox that nobody reads any more. */
static bool is_unread(const letter *l)
{
    return world.lives[l->life].role < 0;
}

static bool hears_by_inbox(const letter *l)
{
    return l->asker < 0;
}

void expect_settled(void)
{
    for (int i = 0; i < world.letter_count; i++) {
        const letter *l = &world.letters[i];

        EXPECT_OF(i, 0, l->end != OPEN || may_stay_open(l) || is_unread(l));
        if (must_have_heard(l) && !hears_by_inbox(l))
            EXPECT_OF(i, 0, l->is_over || fuzz_now.faults);
    }
}

void expect_all_ended(void)
{
    tr_stats s;

    for (int i = 0; i < world.letter_count; i++) {
        const letter *l = &world.letters[i];

        EXPECT_OF(i, 0, l->end != OPEN || may_stay_open(l));
        EXPECT_OF(i, l->dropped, l->dropped + l->taken == l->owned);
    }
    for (int i = 0; i < world.life_count; i++) {
        const life *l = &world.lives[i];

        if (l->role >= 0)
            EXPECT_OF(i, 0, l->inits == l->stops + (l->is_refused && l->inits > 0));
        EXPECT_OF(i, 0, l->asked < 0 && l->kept == NULL);
    }
    EXPECT(tr_stats_get(&s) == 0);
    TELL("the ledger: %lu dead because ended, and the model: %lu, of which %lu in inboxes",
         (unsigned long)s.dead_ended, (unsigned long)world.dead[0], (unsigned long)world.unread);
    /* What an inbox holds when it is freed was handled already, as far as its loop knows. */
    EXPECT(s.dead_ended <= world.dead[0] && s.dead_ended + world.unread >= world.dead[0]);
    EXPECT(s.dead_full == world.dead[1]);
    EXPECT(s.dead_unhandled == world.dead[2] && s.dead_shutdown == world.dead[3]);
    EXPECT(s.dead_memory == world.dead[4] && s.expired == world.dead[5]);
}
