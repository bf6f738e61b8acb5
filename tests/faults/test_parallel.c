/* Many items on the threads of a pool, while memory and threads run out. */
#include "base/atomic.h"
#include "base/seam.h"
#include "support/jobs.h"

enum { ITEMS = 40 };

typedef struct trial {
    uint32_t runs;
    uint64_t sum;
    int rc;
    bool reduces;
    uint64_t n; /* the call that fails */
    bool lasts;
} trial;

static int count_item(size_t i, void *arg)
{
    trial *t = arg;

    (void)i;
    (void)tr__add_ordered_u32(&t->runs, 1); /* ordered: a counter */
    return 0;
}

static int add_item(size_t i, void *gathered, void *arg)
{
    *(uint64_t *)gathered += i;
    return count_item(i, arg);
}

static void add_sums(void *gathered, const void *other, void *arg)
{
    (void)arg;
    *(uint64_t *)gathered += *(const uint64_t *)other;
}

static void begin_trial(void *arg)
{
    trial *t = arg;

    t->runs = 0;
    t->sum = 0;
}

static void compute(void *arg)
{
    trial *t = arg;

    t->rc = t->reduces ? tr_map_reduce(&t->sum, sizeof(t->sum), ITEMS, add_item, add_sums, t)
                       : tr_parallel_for(ITEMS, count_item, t);
}

/* All, or none. */
static void check_trial(void *arg, bool struck)
{
    trial *t = arg;

    ck_assert_msg(t->rc == 0 || (struck && (t->rc == TR_ENOMEM || t->rc == TR_EAGAIN)), "gave %d",
                  t->rc);
    ck_assert_uint_eq(t->runs, t->rc == 0 ? ITEMS : 0);
    ck_assert_uint_eq(t->sum, t->rc == 0 && t->reduces ? ITEMS * (ITEMS - 1) / 2 : 0);
}

START_TEST(thread_computes_all_or_nothing)
{
    const kit_faulty steps = { begin_trial, compute, check_trial };

    for (int i = 0; i < 4; i++) {
        trial t = { .reduces = i % 2 != 0 };

        kit_start_with(&(tr_config){ .loops = 1, .pool_cpu_max = 3 });
        ck_assert_int_gt(kit_for_every_fault_of(&steps, &t, i / 2 != 0), 0);
        kit_stop();
    }
}
END_TEST

static int compute_as_task(void *arg)
{
    trial *t = arg;

    tr__fault_arm(t->n, t->lasts);
    compute(t);
    return tr__fault_disarm();
}

START_TEST(task_computes_all_or_nothing)
{
    for (int i = 0; i < 4; i++) {
        trial t = { .reduces = i % 2 != 0, .lasts = i / 2 != 0 };
        int struck = 1;

        kit_start_with(&(tr_config){ .loops = 1, .pool_cpu_max = 12 }); /* more than a handful */
        for (t.n = 1; struck; t.n++) {
            begin_trial(&t);
            struck = kit_task(0, compute_as_task, &t);
            check_trial(&t, struck);
        }
        kit_stop();
    }
}
END_TEST

KIT_MAIN("faults/parallel", thread_computes_all_or_nothing, task_computes_all_or_nothing)
