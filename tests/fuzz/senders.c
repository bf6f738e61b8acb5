/* Sending, asking, and inboxes, as threads, tasks and actors do them. */
#include "fuzz/actors.h"

enum { INBOXES_AT = ROLES };

int tenants[ROLES + OUTSIDERS];
static tr_inbox *inboxes[OUTSIDERS];

static const tr_actor_class inbox_classes[] = {
    { .name = "inbox" },
    { .name = "limited inbox", .mailbox_limit = 3 },
};

void tenants_begin(void)
{
    name_letters();
    for (int i = 0; i < ROLES + OUTSIDERS; i++)
        tenants[i] = -1;
}

life *life_of(const doer *d)
{
    return &world.lives[d->number];
}

int outsider_of(const doer *d)
{
    return -1 - d->number;
}

bool is_task(const doer *d)
{
    return !d->self && outsider_of(d) >= THREADS;
}

bool may_be_cancelled(const doer *d)
{
    if (d->self)
        return life_may_be_cancelled(life_of(d));
    return is_task(d) && (world.is_stopping || world.is_cancelled[outsider_of(d)]);
}

int target_of(uint8_t a)
{
    int number;

    if (a >= 0xc0) {
        number = world.life_count > 0 ? a % world.life_count : -1;
        return number >= 0 && !tr_pid_is_none(world.lives[number].pid) ? number : -1;
    }
    return tenants[a % (ROLES + OUTSIDERS)];
}

/* ---- sending ---- */

static int send_letter(int number, letter_kind kind, tr_pid to)
{
    struct large_letter large = { .number = number };

    switch (kind) {
    case LARGE:
        for (size_t i = 0; i < sizeof(large.fill); i++)
            large.fill[i] = (uint8_t)(number + (int)i);
        return tr_send_value(to, large_letter, &large);
    case OWNING:
        return tr_send(to, owning_letter, .number = number);
    default:
        return tr_send(to, small_letter, .number = number);
    }
}

void do_send(const doer *d, uint8_t a, uint8_t b)
{
    int to = target_of(a);
    int times = 1 + b / 4 % 8;

    for (int i = 0; i < times; i++) {
        letter_kind kind = (letter_kind)(b % 3);
        int number = letter_new(kind, d->number, to);

        if (number < 0)
            return;
        letter_sent(number, send_letter(number, kind, world.lives[to].pid));
    }
}

/* ---- asking ---- */

static const double timeouts[] = { 0.0005, 0.02, 3, TR_FOREVER };

static int new_question(const doer *d, int to, uint8_t b, double timeout)
{
    int number = letter_new(QUESTION, d->number, to);
    letter *l = letter_at(number);

    if (number < 0)
        return -1;
    l->treatment = (treatment)(b / 4 % TREATMENTS);
    l->limit = timeout < TR_FOREVER ? fuzz_time() + timeout : TR_FOREVER;
    return number;
}

static void do_ask_and_wait(const doer *d, int to, uint8_t b)
{
    double timeout = timeouts[b % 3]; /* for ever, they might wait for each other */
    int number = new_question(d, to, b, timeout);
    letter *l = letter_at(number);
    struct answer heard;
    int rc;

    if (number < 0)
        return;
    l->awaits = true;
    l->may_cancel = may_be_cancelled(d);
    rc = tr_ask(&heard, world.lives[to].pid, timeout, question, .number = number);
    l->may_cancel = may_be_cancelled(d);
    ask_heard(number, rc, heard.value);
    l->is_withdrawn = rc < 0 && rc != TR_ETIMEDOUT;
}

/* With a future, which may be cancelled. */
static void do_ask_future(const doer *d, int to, uint8_t b)
{
    int number = new_question(d, to, b, timeouts[b % 4]);
    letter *l = letter_at(number);
    struct answer *heard = NULL;
    tr_future *f;
    int rc;

    if (number < 0)
        return;
    rc = tr_ask_future(&f, world.lives[to].pid, timeouts[b % 4], question, .number = number);
    if (rc < 0) {
        EXPECT_OF(number, rc, may_be_refused(rc));
        l->is_lost = true;
        return;
    }
    if (b % 4 != 2 && !is_task(d))
        rc = tr_future_wait(f, 0.01);
    l->may_cancel = true;
    l->is_withdrawn = true;
    if (is_task(d))
        (void)tr_wait_for(f, 0.01); /* else it is cancelled; it has ended in any case */
    else if (b % 4 == 2 || rc == TR_ETIMEDOUT)
        (void)tr_future_cancel_wait(f); /* its status is looked at below */
    if (tr_future_take(f, (void **)&heard) == 0 && heard)
        ask_heard(number, 0, heard->value);
    else
        ask_heard(number, tr_future_status(f), 0);
    free(heard);
    tr_future_unref(f);
}

/* The answer is to come as a message. */
static void do_request(const doer *d, int to, uint8_t b)
{
    double timeout = timeouts[b % 4];
    int number = new_question(d, to, b, timeout);
    tr_pid pid;
    int rc;

    if (number < 0)
        return;
    pid = world.lives[to].pid;
    if (d->self)
        rc = tr_request(d->self, pid, timeout, (uint64_t)number + 1, question, .number = number);
    else
        rc = tr_inbox_request(inboxes[outsider_of(d)], pid, timeout, (uint64_t)number + 1, question,
                              .number = number);
    TELL("request %d to life %d: %s", number, to, tr_err_name(rc));
    EXPECT_OF(number, rc, rc == 0 || may_be_refused(rc));
    world.letters[number].is_lost = rc < 0;
}

void do_ask(const doer *d, uint8_t a, uint8_t b, bool as_message)
{
    int to = target_of(a);
    bool may_wait = d->self ? life_of(d)->cls->awaits : true;

    if (to < 0)
        return;
    if (may_wait && !as_message)
        (d->self == NULL && (b & 0x80) ? do_ask_future : do_ask_and_wait)(d, to, b);
    else if (d->self || inboxes[outsider_of(d)])
        do_request(d, to, b);
}
/* ---- inboxes ---- */

void do_inbox_open(const doer *d, uint8_t a)
{
    int outsider = outsider_of(d);
    int number;
    int rc;

    if (inboxes[outsider])
        return;
    number = life_new(-1, &inbox_classes[a % 2]);
    if (number < 0)
        return;
    rc = tr_inbox_new(&inboxes[outsider], a % 2 ? 3 : 0);
    TELL("outsider %d opens an inbox, life %d: %s", outsider, number, tr_err_name(rc));
    EXPECT(rc == 0 || may_be_refused(rc) || (rc == TR_ECANCELED && may_be_cancelled(d)));
    world.lives[number].outsider = outsider;
    world.lives[number].pid = tr_inbox_pid(inboxes[outsider]);
    world.lives[number].is_refused = rc < 0;
    if (rc == 0)
        tenants[INBOXES_AT + outsider] = number;
}

void do_inbox_close(int outsider)
{
    int number = tenants[INBOXES_AT + outsider];

    if (!inboxes[outsider])
        return;
    TELL("the inbox of outsider %d, life %d, is closed", outsider, number);
    world.lives[number].is_over = true;
    tenants[INBOXES_AT + outsider] = -1;
    tr_inbox_free(inboxes[outsider]);
    inboxes[outsider] = NULL;
}

/* An outsider treats a question. */
static void treat_here(int number, tr_msg *msg)
{
    tr_asker who = tr_msg_take_asker(msg);
    int rc = 0;

    switch (world.letters[number].treatment) {
    case REPLY:
        ask_settled(number, 0);
        rc = tr_answer(who, answer, .value = value_of(number));
        break;
    case REPLY_ERROR:
        ask_settled(number, REPLY_CODE);
        rc = tr_answer_error(who, REPLY_CODE);
        break;
    default:
        break; /* its time limit ends it */
    }
    EXPECT_OF(number, rc, rc == 0 || may_be_refused(rc));
}

/* The tag says which ask has an answer, or none. false: it is no such message. */
bool hear(tr_msg *msg)
{
    const struct tr_request_failed *failed = tr_as(msg, tr_request_failed);
    const struct answer *a = tr_as(msg, answer);
    uint64_t tag = tr_msg_tag(msg);

    if (!failed && !a)
        return false;
    EXPECT(tag > 0 && tag <= (uint64_t)world.letter_count);
    EXPECT(!failed || failed->tag == tag);
    ask_heard((int)tag - 1, failed ? failed->error : 0, a ? a->value : 0);
    return true;
}

void do_inbox_read(const doer *d, uint8_t a)
{
    static const double waits[] = { 0, 0.01, 0.5 };
    tr_inbox *in = inboxes[outsider_of(d)];
    double limit = fuzz_time() + waits[a % 3];
    tr_msg *msg;
    int number;
    int rc;

    if (!in)
        return;
    rc = tr_inbox_receive(in, &msg, waits[a % 3]);
    TELL("outsider %d reads its inbox: %s", outsider_of(d), tr_err_name(rc));
    EXPECT(rc == 0 || (rc == TR_ETIMEDOUT && fuzz_time() >= limit) ||
           (rc == TR_ESHUTDOWN && world.is_stopping) ||
           (rc == TR_ECANCELED && may_be_cancelled(d)));
    if (rc < 0 || hear(msg))
        return;
    number = letter_of(msg);
    EXPECT(number >= 0);
    letter_handled(number, tenants[INBOXES_AT + outsider_of(d)]);
    if (world.letters[number].kind == QUESTION && !world.letters[number].is_asker_taken)
        treat_here(number, msg);
    if (world.letters[number].kind == OWNING && (a & 0x80)) {
        EXPECT_OF(number, 0, tr_take(msg, owning_letter) != NULL);
        world.letters[number].taken++;
    }
}
