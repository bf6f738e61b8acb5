/* The mailbox of an actor at home, against an array that does the same. */
#include <string.h>

#include "base/random.h"
#include "mailbox/mailbox.h"
#include "support/kit.h"

enum { MESSAGES = 64 };

typedef struct model {
    tr__mailbox box;
    tr_msg *queued[MESSAGES]; /* what should be in it, oldest first */
    size_t count;
    tr_msg messages[MESSAGES];
    bool is_queued[MESSAGES];
} model;

static void open_model(model *m)
{
    memset(m, 0, sizeof(*m));
    tr__mailbox_init(&m->box);
}

static void expect_same(const model *m)
{
    const tr_msg *msg = m->box.first;

    ck_assert(tr__mailbox_is_valid(&m->box, m->count));
    ck_assert_int_eq(tr__mailbox_is_empty(&m->box), m->count == 0);
    for (size_t i = 0; i < m->count; i++, msg = msg->tr__next)
        ck_assert_ptr_eq(msg, m->queued[i]);
}

static void push(model *m, size_t number)
{
    tr__mailbox_push_local(&m->box, &m->messages[number]);
    m->queued[m->count++] = &m->messages[number];
    m->is_queued[number] = true;
}

static void forget(model *m, size_t place)
{
    m->is_queued[m->queued[place] - m->messages] = false;
    m->count--;
    memmove(&m->queued[place], &m->queued[place + 1], (m->count - place) * sizeof(m->queued[0]));
}

static void pop(model *m)
{
    const tr_msg *msg = tr__mailbox_pop_local(&m->box);

    ck_assert_ptr_eq(msg, m->count != 0 ? m->queued[0] : NULL);
    if (msg != NULL)
        forget(m, 0);
}

static void take_out(model *m, size_t place)
{
    tr_msg **link = &m->box.first;

    for (size_t i = 0; i < place; i++)
        link = &(*link)->tr__next;
    ck_assert_ptr_eq(tr__mailbox_unlink_local(&m->box, link), m->queued[place]);
    forget(m, place);
}

START_TEST(mailbox_gives_messages_in_the_order_pushed)
{
    model m;

    open_model(&m);
    expect_same(&m);
    pop(&m);
    for (size_t i = 0; i < MESSAGES; i++) {
        push(&m, i);
        expect_same(&m);
    }
    while (m.count != 0) {
        pop(&m);
        expect_same(&m);
    }
    pop(&m);
}
END_TEST

START_TEST(mailbox_lets_a_message_go_from_every_place)
{
    for (size_t count = 1; count <= 4; count++)
        for (size_t place = 0; place < count; place++) {
            model m;

            open_model(&m);
            for (size_t i = 0; i < count; i++)
                push(&m, i);
            take_out(&m, place);
            expect_same(&m);
            push(&m, MESSAGES - 1);
            expect_same(&m);
        }
}
END_TEST

START_TEST(mailbox_does_as_an_array_does)
{
    enum { STEPS = 30000 };
    tr__random random = { 7 };
    static model m;

    open_model(&m);
    for (int step = 0; step < STEPS; step++) {
        uint64_t chance = tr__random_next(&random);
        size_t number = (chance >> 8) % MESSAGES;

        if (chance % 4 < 2 && !m.is_queued[number])
            push(&m, number);
        else if (chance % 4 == 2)
            pop(&m);
        else if (m.count != 0)
            take_out(&m, (chance >> 8) % m.count);
        ck_assert(tr__mailbox_is_valid(&m.box, m.count));
    }
    expect_same(&m);
}
END_TEST

START_TEST(mailbox_walker_finds_what_is_wrong)
{
    tr_msg *stray = NULL;
    model m;

    open_model(&m);
    push(&m, 0);
    push(&m, 1);
    ck_assert(tr__mailbox_is_valid(&m.box, 2));
    ck_assert(!tr__mailbox_is_valid(&m.box, 1));
    ck_assert(!tr__mailbox_is_valid(&m.box, 3));
    m.box.last = &stray;
    ck_assert(!tr__mailbox_is_valid(&m.box, 2));
    m.messages[1].tr__next = &m.messages[0]; /* a circle: the walk ends all the same */
    ck_assert(!tr__mailbox_is_valid(&m.box, 2));
}
END_TEST

KIT_MAIN("mailbox/mailbox", mailbox_gives_messages_in_the_order_pushed,
         mailbox_lets_a_message_go_from_every_place, mailbox_does_as_an_array_does,
         mailbox_walker_finds_what_is_wrong)
