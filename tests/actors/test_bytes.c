/* Shared bytes: made by copy and by adoption, counted from many threads, freed once. */
#include <pthread.h>
#include <string.h>

#include "support/actors.h"

START_TEST(bytes_are_a_copy)
{
    char text[] = "hello";
    tr_bytes *b;

    ck_assert_int_eq(tr_bytes_new(&b, text, sizeof(text)), 0);
    text[0] = 'j';
    ck_assert_str_eq(tr_bytes_data(b), "hello");
    ck_assert_uint_eq(tr_bytes_size(b), 6);
    ck_assert(tr_bytes_data(b) != (const void *)text);
    tr_bytes_unref(b);
}
END_TEST

START_TEST(no_bytes_are_bytes_too)
{
    tr_bytes *b;

    ck_assert_int_eq(tr_bytes_new(&b, NULL, 0), 0);
    ck_assert_ptr_nonnull(b);
    ck_assert_uint_eq(tr_bytes_size(b), 0);
    tr_bytes_unref(b);
    ck_assert_int_eq(tr_bytes_new(&b, "x", 0), 0);
    ck_assert_uint_eq(tr_bytes_size(b), 0);
    tr_bytes_unref(b);
}
END_TEST

static int frees;
static void *freed_data;
static void *freed_arg;

static void note_free(void *data, void *arg)
{
    frees++;
    freed_data = data;
    freed_arg = arg;
}

START_TEST(adopted_bytes_are_freed_by_the_last_reference_only)
{
    char text[] = "abc";
    int arg;
    tr_bytes *b;

    ck_assert_int_eq(tr_bytes_adopt(&b, text, 3, note_free, &arg), 0);
    ck_assert(tr_bytes_data(b) == (const void *)text);
    ck_assert_uint_eq(tr_bytes_size(b), 3);
    ck_assert(tr_bytes_ref(b) == b);
    ck_assert(tr_bytes_ref(b) == b);
    tr_bytes_unref(b);
    tr_bytes_unref(b);
    ck_assert_int_eq(frees, 0);
    tr_bytes_unref(b);
    ck_assert_int_eq(frees, 1);
    ck_assert(freed_data == text);
    ck_assert(freed_arg == &arg);
}
END_TEST

START_TEST(adopted_bytes_may_need_no_freeing)
{
    tr_bytes *b;

    ck_assert_int_eq(tr_bytes_adopt(&b, (void *)(uintptr_t) "static", 6, NULL, NULL), 0);
    tr_bytes_unref(b);
    ck_assert_int_eq(tr_bytes_adopt(&b, NULL, 0, note_free, NULL), 0);
    ck_assert_ptr_null(tr_bytes_data(b));
    tr_bytes_unref(b);
    ck_assert_int_eq(frees, 1);
}
END_TEST

START_TEST(bad_arguments_are_refused)
{
    tr_bytes *b = (tr_bytes *)&frees;

    ck_assert_int_eq(tr_bytes_new(NULL, "x", 1), TR_EINVAL);
    ck_assert_int_eq(tr_bytes_new(&b, NULL, 1), TR_EINVAL);
    ck_assert_ptr_null(b);
    b = (tr_bytes *)&frees;
    ck_assert_int_eq(tr_bytes_new(&b, "x", SIZE_MAX), TR_EINVAL);
    ck_assert_ptr_null(b);
    ck_assert_int_eq(tr_bytes_adopt(NULL, &frees, 1, note_free, NULL), TR_EINVAL);
    b = (tr_bytes *)&frees;
    ck_assert_int_eq(tr_bytes_adopt(&b, NULL, 1, note_free, NULL), TR_EINVAL);
    ck_assert_ptr_null(b);
    ck_assert_int_eq(frees, 0);
}
END_TEST

START_TEST(null_is_no_bytes)
{
    ck_assert_ptr_null(tr_bytes_ref(NULL));
    tr_bytes_unref(NULL);
    ck_assert_ptr_null(tr_bytes_data(NULL));
    ck_assert_uint_eq(tr_bytes_size(NULL), 0);
}
END_TEST

static void make_without_memory(void *ctx, int n)
{
    char text[] = "abc";
    tr_bytes *b = (tr_bytes *)ctx;
    int rc = tr_bytes_new(&b, text, sizeof(text));

    (void)n;
    ck_assert_int_eq(rc, b != NULL ? 0 : TR_ENOMEM);
    tr_bytes_unref(b);
    rc = tr_bytes_adopt(&b, text, sizeof(text), note_free, NULL);
    ck_assert_int_eq(rc, b != NULL ? 0 : TR_ENOMEM);
    if (b == NULL)
        ck_assert_int_eq(frees, 0); /* data was not taken */
    frees = 0;
    tr_bytes_unref(b);
    ck_assert_int_eq(frees, b != NULL);
    frees = 0;
}

START_TEST(without_memory_data_stays_with_the_caller)
{
    ck_assert_int_eq(kit_for_every_fault(make_without_memory, &frees), 2);
}
END_TEST

enum { THREADS = 4, ROUNDS = 5000 };

static void *ref_and_unref(void *arg)
{
    tr_bytes *b = arg;
    unsigned sum = 0;

    for (int i = 0; i < ROUNDS; i++) {
        tr_bytes *mine = tr_bytes_ref(b);

        sum += ((const unsigned char *)tr_bytes_data(mine))[i % 4];
        tr_bytes_unref(mine);
    }
    tr_bytes_unref(b);
    return (void *)(uintptr_t)sum;
}

START_TEST(many_threads_share_bytes_and_one_frees_them)
{
    pthread_t threads[THREADS];
    char text[4] = { 1, 1, 1, 1 };
    tr_bytes *b;

    ck_assert_int_eq(tr_bytes_adopt(&b, text, 4, note_free, NULL), 0);
    for (int i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, ref_and_unref, tr_bytes_ref(b)), 0);
    tr_bytes_unref(b);
    for (int i = 0; i < THREADS; i++) {
        void *sum;

        pthread_join(threads[i], &sum);
        ck_assert_uint_eq((uintptr_t)sum, ROUNDS);
    }
    ck_assert_int_eq(frees, 1);
}
END_TEST

TR_MESSAGE_OWNING(bytes_parcel, bytes_parcel_drop)
{
    tr_bytes *bytes;
};

void bytes_parcel_drop(struct bytes_parcel *payload)
{
    tr_bytes_unref(payload->bytes);
}

static int read_bytes(tr_self *self, void *state, tr_msg *msg)
{
    const struct bytes_parcel *parcel = tr_as(msg, bytes_parcel);

    if (parcel == NULL)
        return kit_act_or_unhandled(self, state, msg);
    ck_assert_str_eq(tr_bytes_data(parcel->bytes), "shared");
    return 0;
}

static const tr_actor_class reader_class = { .name = "reader", .receive = read_bytes };

START_TEST(messages_to_many_actors_refer_to_the_same_bytes)
{
    char text[] = "shared";
    tr_bytes *b;

    kit_start(4);
    ck_assert_int_eq(tr_bytes_adopt(&b, text, sizeof(text), note_free, NULL), 0);
    for (int i = 0; i < 40; i++)
        ck_assert_int_eq(
            tr_send(kit_spawn(&reader_class, NULL, i % 4), bytes_parcel, .bytes = tr_bytes_ref(b)),
            0);
    ck_assert_int_eq(tr_send(TR_PID_NONE, bytes_parcel, .bytes = b), 0);
    kit_stop();
    ck_assert_int_eq(frees, 1);
}
END_TEST

KIT_MAIN("bytes", bytes_are_a_copy, no_bytes_are_bytes_too,
         adopted_bytes_are_freed_by_the_last_reference_only, adopted_bytes_may_need_no_freeing,
         bad_arguments_are_refused, null_is_no_bytes, without_memory_data_stays_with_the_caller,
         many_threads_share_bytes_and_one_frees_them,
         messages_to_many_actors_refer_to_the_same_bytes)
