/* In which order items leave a queue. */
#include "sync/queues.h"

CASE(items_come_in_the_order_in_which_they_were_put)
{
    tr_queue *q = new_queue(TR_UNBOUNDED);

    for (int i = 0; i < 100; i++)
        put(q, i);
    EXPECT(tr_queue_count(q) == 100);
    for (int i = 0; i < 100; i++)
        EXPECT(get(q) == i);
    EXPECT(tr_queue_count(q) == 0);
    free_queue(q);
}

CASE(a_ring_goes_round_and_grows)
{
    tr_queue *q = new_queue(TR_UNBOUNDED);
    int next = 0;
    int expected = 0;

    for (int round = 0; round < 50; round++) {
        for (int i = 0; i < 5; i++)
            put(q, next++);
        for (int i = 0; i < 3; i++)
            EXPECT(get(q) == expected++);
    }
    while (expected < next)
        EXPECT(get(q) == expected++);
    free_queue(q);
}

CASE(the_latest_comes_first_where_that_is_asked_for)
{
    tr_queue *q;

    EXPECT(tr_queue_new_with(&q, &(tr_queue_options){ .item_bytes = sizeof(int),
                                                      .capacity = TR_UNBOUNDED,
                                                      .order = TR_QUEUE_LIFO }) == 0);
    for (int i = 0; i < 20; i++)
        put(q, i);
    EXPECT(get(q) == 19);
    put(q, 50);
    EXPECT(get(q) == 50);
    for (int i = 18; i >= 0; i--)
        EXPECT(get(q) == i);
    free_queue(q);
}

typedef struct job {
    int urgency;
    int number;
} job;

static int by_urgency(const void *a, const void *b)
{
    return ((const job *)a)->urgency - ((const job *)b)->urgency;
}

CASE(the_least_comes_first_and_among_equals_the_oldest)
{
    tr_queue *q;
    job last = { -1, -1 };
    job j;

    EXPECT(tr_queue_new_with(&q, &(tr_queue_options){ .item_bytes = sizeof(job),
                                                      .capacity = TR_UNBOUNDED,
                                                      .order = TR_QUEUE_PRIORITY,
                                                      .compare = by_urgency }) == 0);
    for (int i = 0; i < 200; i++)
        EXPECT(tr_queue_put(q, &(job){ i * 7919 % 13, i }) == 0);
    for (int i = 0; i < 200; i++) {
        EXPECT(tr_queue_get(q, &j) == 0);
        EXPECT(j.urgency > last.urgency || (j.urgency == last.urgency && j.number > last.number));
        last = j;
    }
    free_queue(q);
}

CASES("queue_order", items_come_in_the_order_in_which_they_were_put, a_ring_goes_round_and_grows,
      the_latest_comes_first_where_that_is_asked_for,
      the_least_comes_first_and_among_equals_the_oldest)
