/* Target queues: lanes, inlets and mailboxes, against arrays. */
/* An op is a byte that says what to do, and perhaps one that says how much. */
#include "fuzz/fuzz.h"

#include "mailbox/mailbox.h"
#include "mailbox/mpsc.h"
#include "mailbox/spsc.h"

enum { NODES = 300, PARCELS_MAX = 6 * TR__CHUNK };

/* ---- the lane: parcels are staged, published, peeked at, and popped ---- */

typedef struct lane_model {
    tr__lane *lane;
    uint64_t staged, published, popped;
} lane_model;

static tr__parcel numbered(uint64_t n)
{
    return (
        tr__parcel){ .to = n, .head = (uint32_t)n, .from = (uint32_t)~n, .word = { ~n, n * 3 } };
}

static void expect_parcel(const tr__parcel *parcel, uint64_t n)
{
    tr__parcel expected = numbered(n);

    EXPECT(parcel != NULL);
    EXPECT(parcel->to == expected.to && parcel->head == expected.head);
    EXPECT(parcel->from == expected.from && parcel->word[0] == expected.word[0]);
    EXPECT(parcel->word[1] == expected.word[1]);
}

static void lane_stage(lane_model *m, unsigned some)
{
    for (unsigned i = 0; i < some && m->staged < PARCELS_MAX; i++) {
        tr__parcel parcel = numbered(m->staged);

        EXPECT(tr__lane_stage_spsc(m->lane, &parcel));
        m->staged++;
    }
}

static void lane_publish(lane_model *m)
{
    tr__lane_publish_spsc(m->lane);
    m->published = m->staged;
}

static void lane_pop(lane_model *m, unsigned some)
{
    for (unsigned i = 0; i < some && m->popped < m->published; i++) {
        expect_parcel(tr__lane_peek_spsc(m->lane), m->popped);
        tr__lane_pop_spsc(m->lane);
        m->popped++;
    }
}

static void try_lane(fuzz_input *in)
{
    lane_model m = { .lane = tr__lane_new() };

    while (in->left > 0) {
        uint8_t op = fuzz_byte(in);
        unsigned some = fuzz_byte(in) * 3U;

        if (op % 4 == 0)
            lane_stage(&m, some);
        else if (op % 4 == 1)
            lane_publish(&m);
        else if (op % 4 == 2)
            lane_pop(&m, some);
        EXPECT(tr__lane_unpublished(m.lane) == m.staged - m.published);
        if (m.popped == m.published)
            EXPECT(tr__lane_peek_spsc(m.lane) == NULL);
        else
            expect_parcel(tr__lane_peek_spsc(m.lane), m.popped);
    }
    tr__lane_free(m.lane);
}

/* ---- the inlet: nodes are pushed, and taken all at once; it is opened and closed ---- */

typedef struct inlet_model {
    tr__inlet inlet;
    tr__letter nodes[NODES];
    unsigned pushed, taken; /* nodes[taken..pushed) are in it */
    bool is_open;
} inlet_model;

static void expect_links(inlet_model *m, tr__link *link)
{
    for (; link != NULL; link = link->next) {
        EXPECT(m->taken < m->pushed);
        EXPECT(tr__letter_of(link) == &m->nodes[m->taken]);
        m->taken++;
    }
    EXPECT(m->taken == m->pushed);
}

static void inlet_push(inlet_model *m, unsigned some)
{
    for (unsigned i = 0; i < some && m->pushed < NODES; i++) {
        tr__push_result result = tr__inlet_push_mpsc(&m->inlet, &m->nodes[m->pushed].link);

        EXPECT((result == TR__PUSH_CLOSED) == !m->is_open);
        EXPECT(!m->is_open || (result == TR__PUSH_FIRST) == (m->pushed == m->taken));
        m->pushed += m->is_open;
    }
}

static void try_inlet(fuzz_input *in)
{
    inlet_model *m = calloc(1, sizeof(*m));

    EXPECT(m != NULL);
    m->inlet = (tr__inlet)TR__INLET_INIT;
    while (in->left > 0) {
        uint8_t op = fuzz_byte(in);

        if (op % 4 == 0)
            inlet_push(m, fuzz_byte(in) % 8U);
        else if (op % 4 == 1 && m->is_open)
            expect_links(m, tr__inlet_take_mpsc(&m->inlet));
        else if (op % 4 == 2 && m->is_open)
            expect_links(m, tr__inlet_close(&m->inlet));
        else if (op % 4 == 3 && !m->is_open)
            tr__inlet_open(&m->inlet);
        m->is_open = op % 4 == 2 ? false : m->is_open || op % 4 == 3;
        EXPECT(tr__inlet_is_empty(&m->inlet) == (m->pushed == m->taken));
    }
    free(m);
}

/* ---- the mailbox: messages are pushed, popped, and taken out of the middle ---- */

typedef struct mailbox_model {
    tr__mailbox box;
    tr_msg nodes[NODES];
    unsigned pushed;
    unsigned queue[NODES]; /* which are in it, in order */
    size_t count;
} mailbox_model;

static void mailbox_push(mailbox_model *m)
{
    if (m->pushed == NODES)
        return;
    tr__mailbox_push_local(&m->box, &m->nodes[m->pushed]);
    m->queue[m->count++] = m->pushed++;
}

static void leave_out(mailbox_model *m, size_t at)
{
    m->count--;
    for (size_t i = at; i < m->count; i++)
        m->queue[i] = m->queue[i + 1];
}

static void mailbox_pop(mailbox_model *m)
{
    const tr_msg *msg = tr__mailbox_pop_local(&m->box);

    EXPECT(msg == (m->count > 0 ? &m->nodes[m->queue[0]] : NULL));
    if (msg != NULL)
        leave_out(m, 0);
}

static void mailbox_unlink(mailbox_model *m, size_t at)
{
    tr_msg **link = &m->box.first;

    if (m->count == 0)
        return;
    at %= m->count;
    for (size_t i = 0; i < at; i++)
        link = &(*link)->tr__next;
    EXPECT(tr__mailbox_unlink_local(&m->box, link) == &m->nodes[m->queue[at]]);
    leave_out(m, at);
}

static void try_mailbox(fuzz_input *in)
{
    mailbox_model *m = calloc(1, sizeof(*m));

    EXPECT(m != NULL);
    tr__mailbox_init(&m->box);
    while (in->left > 0) {
        uint8_t op = fuzz_byte(in);

        if (op % 3 == 0)
            mailbox_push(m);
        else if (op % 3 == 1)
            mailbox_pop(m);
        else
            mailbox_unlink(m, op / 3);
        EXPECT(tr__mailbox_is_valid(&m->box, m->count));
        EXPECT(tr__mailbox_is_empty(&m->box) == (m->count == 0));
    }
    free(m);
}

void fuzz_target(fuzz_input *in)
{
    switch (fuzz_byte(in) % 3) {
    case 0:
        try_lane(in);
        break;
    case 1:
        try_inlet(in);
        break;
    default:
        try_mailbox(in);
    }
}
