/* The identity of message types: name, place and size. support/elsewhere.c is the other file. */
#include <pthread.h>
#include <stdio.h>

#include "actors/type.h"
#include "support/actors.h"

/* elsewhere.c has others of these names and sizes. */
TR_MESSAGE(private_type)
{
    int64_t a;
};

TR_MESSAGE_NAMED(named_type, "kit.named/1")
{
    int64_t a;
};

TR_MESSAGE_NAMED(named_larger, "kit.sized/1")
{
    int64_t a;
};

static tr_inbox *in;

static tr_pid begin(void)
{
    kit_start(1);
    in = kit_inbox();
    return tr_inbox_pid(in);
}

static void end(void)
{
    tr_inbox_free(in);
    kit_stop();
}

START_TEST(files_that_include_one_header_agree)
{
    ck_assert_int_eq(elsewhere_send_shared(begin(), 7), 0);
    ck_assert_int_eq(tr_as(kit_next(in), kit_shared)->a, 7);
    end();
}
END_TEST

START_TEST(private_types_of_one_name_do_not_clash)
{
    tr_msg *msg;

    ck_assert_int_eq(elsewhere_send_private(begin(), 7), 0);
    msg = kit_next(in);
    ck_assert_ptr_null(tr_as(msg, private_type));
    ck_assert_str_eq(tr_msg_name(msg), "private_type");
    ck_assert_int_eq(tr_send(tr_inbox_pid(in), private_type, .a = 8), 0);
    msg = kit_next(in);
    ck_assert_int_eq(tr_as(msg, private_type)->a, 8);
    ck_assert_str_eq(tr_msg_name(msg), "private_type");
    end();
}
END_TEST

START_TEST(named_types_are_one_wherever_they_are_declared)
{
    ck_assert_int_eq(elsewhere_send_named(begin(), 9), 0);
    ck_assert_int_eq(tr_as(kit_next(in), named_type)->a, 9);
    end();
}
END_TEST

START_TEST(named_types_of_other_sizes_are_others)
{
    tr_msg *msg;

    ck_assert_int_eq(elsewhere_send_named_larger(begin(), 9), 0);
    msg = kit_next(in);
    ck_assert_ptr_null(tr_as(msg, named_larger));
    ck_assert_str_eq(tr_msg_name(msg), "kit.sized/1");
    end();
}
END_TEST

/* As a program that was built twice would have it: descriptors of equal and of unequal types. */
static uint32_t intern(const char *name, const char *file, uint32_t line, size_t size)
{
    tr_type type = { .tr__name = name, .tr__file = file, .tr__line = line };

    return tr__type_intern(&type, size);
}

START_TEST(equal_descriptors_have_one_identity)
{
    uint32_t id = intern("t", "a/b/file.h", 3, 16);

    ck_assert_uint_ne(id, 0);
    ck_assert_uint_eq(intern("t", "file.h", 3, 16), id); /* the path to it does not matter */
    ck_assert_uint_eq(intern("t", "/else/where/file.h", 3, 16), id);
    ck_assert_uint_ne(intern("t", "file.h", 4, 16), id);
    ck_assert_uint_ne(intern("t", "file.h", 3, 24), id);
    ck_assert_uint_ne(intern("u", "file.h", 3, 16), id);
    ck_assert_uint_ne(intern("t", "other.h", 3, 16), id);
    ck_assert_uint_eq(intern("t/1", "x.h", 0, 16), intern("t/1", "y.h", 0, 16));
    ck_assert_uint_ne(intern("t/1", "x.h", 0, 16), intern("t/1", "x.h", 0, 17));
}
END_TEST

START_TEST(a_type_that_owns_differs_from_one_that_does_not)
{
    tr_type owning = tr_type_kit_owned;
    uint32_t id = tr__type_intern(&owning, sizeof(struct kit_owned));
    uint32_t other =
        intern(owning.tr__name, owning.tr__file, owning.tr__line, sizeof(struct kit_owned));

    ck_assert_uint_ne(id & 0xfffff, other & 0xfffff);
    ck_assert_ptr_nonnull(tr__type_info_of(id)->drop);
    ck_assert_ptr_null(tr__type_info_of(other)->drop);
}
END_TEST

START_TEST(there_may_be_thousands_of_types)
{
    static char names[3000][24];
    uint32_t first = 0;

    for (int i = 0; i < 3000; i++) {
        (void)snprintf(names[i], sizeof(names[i]), "type/%d", i);
        if (i == 0)
            first = intern(names[i], "f.h", 1, 8);
        else if (intern(names[i], "f.h", 1, 8) != first + (uint32_t)i)
            ck_abort_msg("a number was left out");
    }
    ck_assert_str_eq(tr__type_info_of(first + 2999)->name, "type/2999");
    ck_assert_str_eq(tr__type_info_of(first + 3000)->name, "?");
    ck_assert_str_eq(tr__type_info_of(0xfffff)->name, "?");
}
END_TEST

enum { THREADS = 4, TYPES = 500 };

static char race_names[TYPES][24];
static uint32_t race_ids[THREADS][TYPES];

static void *intern_all(void *arg)
{
    uint32_t *ids = arg;

    for (int i = 0; i < TYPES; i++)
        ids[i] = intern(race_names[i], "race.h", 1, 8);
    return NULL;
}

START_TEST(threads_that_meet_a_type_first_agree)
{
    pthread_t threads[THREADS];

    for (int i = 0; i < TYPES; i++)
        (void)snprintf(race_names[i], sizeof(race_names[i]), "race/%d", i);
    for (int i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, intern_all, race_ids[i]), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    for (int i = 1; i < THREADS; i++)
        ck_assert_mem_eq(race_ids[i], race_ids[0], sizeof(race_ids[0]));
}
END_TEST

TR_MESSAGE(late_type)
{
    int64_t a;
};

START_TEST(reading_as_a_type_never_used_before_is_no_match)
{
    tr_msg *msg = tr_msg_new(kit_value, .a = 1);

    ck_assert_ptr_null(tr_as(msg, late_type));
    ck_assert_uint_ne(tr_type_late_type.tr__id, 0);
    tr_msg_free(msg);
}
END_TEST

static char many_names[600][24];

static void send_new_type(void *ctx, int n)
{
    static int next;
    tr_type type = { .tr__name = many_names[next], .tr__file = "x.h", .tr__line = 1 };
    uint32_t id;

    (void)ctx;
    (void)n;
    (void)snprintf(many_names[next], sizeof(many_names[next]), "new/%d", next);
    next++;
    id = tr__type_intern(&type, 8);
    ck_assert_uint_eq(type.tr__id, id); /* 0: there was no memory */
}

START_TEST(without_memory_a_type_gets_no_number_but_may_later)
{
    int failures = 0;

    for (int i = 0; i < 290; i++)
        failures += kit_for_every_fault(send_new_type, NULL);
    ck_assert_int_ge(failures, 1);
}
END_TEST

static int send_typeless(tr_self *self, void *arg)
{
    (void)self;
    return tr__send_typeless(TR_PID_NONE, &tr_type_kit_owned, &(struct kit_owned){ .drops = arg });
}

START_TEST(a_message_without_a_type_is_a_dead_letter_and_dropped)
{
    uint32_t drops = 0;

    kit_watch_dead_letters();
    kit_start(1);
    ck_assert_int_eq(send_typeless(NULL, &drops), TR_ENOMEM);
    ck_assert_int_eq(kit_do(kit_actor(0), send_typeless, &drops), TR_ENOMEM);
    ck_assert_int_eq(tr__send_typeless(TR_PID_NONE, &tr_type_kit_value, NULL), TR_ENOMEM);
    ck_assert_uint_eq(kit_counted(&drops), 2);
    kit_settle(0);
    ck_assert_int_eq(kit_dead(TR_ENOMEM), 3);
    ck_assert(!kit_last_letter().has_msg);
    kit_stop();
    ck_assert_uint_eq(kit_stats().dead_memory, 1); /* a foreign thread has no ledger */
}
END_TEST

KIT_MAIN("type", files_that_include_one_header_agree, private_types_of_one_name_do_not_clash,
         named_types_are_one_wherever_they_are_declared, named_types_of_other_sizes_are_others,
         equal_descriptors_have_one_identity, a_type_that_owns_differs_from_one_that_does_not,
         there_may_be_thousands_of_types, threads_that_meet_a_type_first_agree,
         reading_as_a_type_never_used_before_is_no_match,
         without_memory_a_type_gets_no_number_but_may_later,
         a_message_without_a_type_is_a_dead_letter_and_dropped)
