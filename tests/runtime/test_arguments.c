/* Children's arguments: of all sizes, copied to wherever the child runs. */
#include <string.h>

#include "support/actors.h"
#include "support/tasks.h"

struct none_args {
    char unused[0];
};
struct few_args {
    int *sum;
    char c;
};
struct wide_args {
    long double wide;
    char c;
};
#define SIZED(bytes)                                                                               \
    struct sized_##bytes##_args {                                                                  \
        uint32_t *ended;                                                                           \
        unsigned char text[bytes];                                                                 \
    };                                                                                             \
    static int sized_##bytes(void *arg)                                                            \
    {                                                                                              \
        const struct sized_##bytes##_args *a = arg;                                                \
        int wrong = 0;                                                                             \
                                                                                                   \
        for (int i = 0; i < bytes; i++)                                                            \
            wrong += a->text[i] != (unsigned char)(i * 7);                                         \
        ck_assert_int_eq(wrong, 0);                                                                \
        kit_count(a->ended);                                                                       \
        return tr_yield();                                                                         \
    }                                                                                              \
    static int go_sized_##bytes(tr_scope *s, int loop, uint32_t *ended)                            \
    {                                                                                              \
        static struct sized_##bytes##_args a;                                                      \
        int rc;                                                                                    \
                                                                                                   \
        a.ended = ended;                                                                           \
        for (int i = 0; i < bytes; i++)                                                            \
            a.text[i] = (unsigned char)(i * 7);                                                    \
        rc = tr__scope_spawn(s, loop, sized_##bytes, &a, sizeof(a), "sized");                      \
        memset(&a, 0, sizeof(a)); /* they were copied */                                           \
        return rc;                                                                                 \
    }
SIZED(1)
SIZED(7)
SIZED(64)
SIZED(1000)
SIZED(4096)
SIZED(5000)
SIZED(65536)
SIZED(102400)

static int none(void *arg)
{
    ck_assert_ptr_nonnull(arg);
    return tr_yield();
}

static int wide(void *arg)
{
    const struct wide_args *a = arg;

    ck_assert_uint_eq((uintptr_t)arg % _Alignof(struct wide_args), 0);
    ck_assert(a->wide == 1.5L && a->c == 'w');
    return tr_yield();
}

static int few(void *arg)
{
    const struct few_args *a = arg;

    ck_assert_int_eq(tr_yield(), 0);
    *a->sum += a->c;
    return 0;
}

static int pass_args(void *unused)
{
    static int (*const go[])(tr_scope * s, int loop, uint32_t *ended) = {
        go_sized_1,    go_sized_7,    go_sized_64,    go_sized_1000,
        go_sized_4096, go_sized_5000, go_sized_65536, go_sized_102400,
    };
    uint32_t ended = 0;
    int sum = 0;
    int rc;

    (void)unused;
    TR_SCOPE(s, &rc) {
        for (int i = 0; i < 100; i++)
            ck_assert_int_eq(tr_go(s, few, .sum = &sum, .c = (char)i), 0);
        ck_assert_int_eq(tr_go(s, few, &sum, 50), 0);
        for (int loop = TR_LOOP_ANY; loop <= TR_LOOP(1); loop++) {
            ck_assert_int_eq(tr_go_on(s, loop, none), 0);
            ck_assert_int_eq(tr_go_on(s, loop, wide, .wide = 1.5L, .c = 'w'), 0);
            for (size_t i = 0; i < sizeof(go) / sizeof(go[0]); i++)
                ck_assert_int_eq(go[i](s, loop, &ended), 0);
        }
    }
    ck_assert_int_eq(sum, 5000);
    ck_assert_uint_eq(kit_counted(&ended), 24);
    return rc;
}

START_TEST(children_get_copies_of_their_arguments)
{
    kit_run_task(2, pass_args, NULL);
}
END_TEST

KIT_MAIN("runtime/arguments", children_get_copies_of_their_arguments)
