/* Declared structs, written as JSON, and numbers in both directions. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "http/number.h"
#include "http/order.h"
#include "support/kit.h"

START_TEST(what_is_written_is_json_and_reads_back)
{
    struct label labels[] = { { "a\"\\\n\x01\x7f" }, { "\xc3\xa4" } };
    struct address address = { "Road", -5 };
    char *words[] = { "x", NULL };
    double sizes[] = { 0.1, 1e300 };
    int64_t codes[] = { INT64_MIN, INT64_MAX };
    struct order order = { .name = "Ann",
                           .price = 2,
                           .quantity = 3,
                           .labels = labels,
                           .labels_count = 2,
                           .ship_to = &address,
                           .words = words,
                           .words_count = 1,
                           .sizes = sizes,
                           .sizes_count = 2,
                           .codes = codes,
                           .codes_count = 2,
                           .level = -1,
                           .port = 65535,
                           .flags = 4000000000U };
    char text[2048];
    ssize_t bytes = tr_declared_write(order, &order, text, sizeof(text));
    struct order again;
    tr_parsed *parsed tr_cleanup_parsed = NULL;

    ck_assert_int_eq(bytes, (ssize_t)strlen(text));
    ck_assert_str_eq(text,
                     "{\"name\":\"Ann\",\"price\":2,\"quantity\":3,\"on-sale/~\":false,"
                     "\"labels\":[{\"text\":\"a\\\"\\\\\\n\\u0001\x7f\"},{\"text\":\"\xc3\xa4\"}],"
                     "\"ship_to\":{\"street\":\"Road\",\"number\":-5},\"words\":[\"x\"],"
                     "\"sizes\":[0.1,1e+300],\"codes\":[-9223372036854775808,9223372036854775807],"
                     "\"port\":65535,\"level\":-1,\"flags\":4000000000,\"parts\":[]}");
    ck_assert_int_eq(tr_declared_parse(&parsed, order, &again, text, (size_t)bytes, NULL),
                     TR_EVALUE); /* 1e300 is more than sizes may be: nothing else is wrong */
    ck_assert_str_eq(tr_parsed_problems(parsed, NULL)->where, "/sizes/1");
    ck_assert(again.codes[0] == INT64_MIN && again.sizes[0] == 0.1);
}
END_TEST

START_TEST(a_small_buffer_gets_what_fits)
{
    struct address address = { "Road", 5 };
    char text[64];
    ssize_t all = tr_declared_write(address, &address, NULL, 0);

    for (size_t room = 1; room <= (size_t)all + 1; room++) {
        memset(text, '?', sizeof(text));
        ck_assert_int_eq(tr_declared_write(address, &address, text, room), all);
        ck_assert_uint_eq(strlen(text), room - 1);
        ck_assert_int_eq(strncmp(text, "{\"street\":\"Road\",\"number\":5}", room - 1), 0);
        ck_assert_int_eq(text[room], '?');
    }
}
END_TEST

START_TEST(what_has_no_value_is_left_out_or_null)
{
    struct address address = { NULL, 0 };
    char text[64];

    ck_assert_int_gt(tr_declared_write(address, &address, text, sizeof(text)), 0);
    ck_assert_str_eq(text, "{\"street\":null,\"number\":0}");
}
END_TEST

START_TEST(bytes_that_are_no_utf8_are_replaced)
{
    struct address address = { "a\xff\xc3(", 0 };
    char text[64];

    ck_assert_int_gt(tr_declared_write(address, &address, text, sizeof(text)), 0);
    ck_assert_str_eq(text, "{\"street\":\"a\xef\xbf\xbd\xef\xbf\xbd(\",\"number\":0}");
}
END_TEST

START_TEST(what_can_not_be_written_is_refused)
{
    struct order order = { .name = "a", .price = NAN };
    char text[64];

    ck_assert_int_eq(tr_declared_write(order, &order, text, sizeof(text)), TR_EVALUE);
    order.price = INFINITY;
    ck_assert_int_eq(tr_declared_write(order, &order, text, sizeof(text)), TR_EVALUE);
    order.price = 1;
    order.parts = &order;
    order.parts_count = 1;
    ck_assert_int_eq(tr_declared_write(order, &order, text, sizeof(text)), TR_ELIMIT);
    ck_assert_int_eq(tr_declared_write_as(NULL, &order, text, 1), TR_EINVAL);
    ck_assert_int_eq(tr_declared_write(order, (struct order *)NULL, text, 1), TR_EINVAL);
    ck_assert_int_eq(tr_declared_write(order, &order, NULL, 1), TR_EINVAL);
}
END_TEST

static void expect_number(double value, const char *wanted)
{
    char text[TR__NUMBER_ROOM];
    size_t bytes = tr__number_write(value, text);

    ck_assert_uint_lt(bytes, TR__NUMBER_ROOM);
    if (wanted != NULL) {
        ck_assert_uint_eq(bytes, strlen(wanted));
        ck_assert_int_eq(memcmp(text, wanted, bytes), 0);
    }
    ck_assert(tr__number_parse(text, bytes) == value);
    text[bytes] = '\0';
    ck_assert(strtod(text, NULL) == value);
}

START_TEST(numbers_are_as_short_as_can_be)
{
    expect_number(0, "0");
    expect_number(-0.0, "-0");
    expect_number(1, "1");
    expect_number(-1.5, "-1.5");
    expect_number(0.1, "0.1");
    expect_number(0.05, "0.05");
    expect_number(12345.678, "12345.678");
    expect_number(0.1 + 0.2, "0.30000000000000004");
    expect_number(1e15, "1e+15");
    expect_number(5e-324, NULL);
    expect_number(1.7976931348623157e308, "1.7976931348623157e+308");
}
END_TEST

START_TEST(random_numbers_read_back_as_they_were)
{
    uint64_t state = 1;

    for (int i = 0; i < 200000; i++) {
        double value;

        state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        memcpy(&value, &state, sizeof(value));
        if (isfinite(value))
            expect_number(value, NULL);
        expect_number((double)(int64_t)(state >> 34) / 1000, NULL);
    }
}
END_TEST

START_TEST(numbers_are_read_as_the_c_library_reads_them)
{
    static const char *const texts[] = { "1e23",
                                         "9007199254740993",
                                         "0.1e1",
                                         "123456789012345678",
                                         "1234567890123456789",
                                         "2.2250738585072014e-308",
                                         "179769313486231580000000000000000000000",
                                         "-0" };

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        ck_assert(tr__number_parse(texts[i], strlen(texts[i])) == strtod(texts[i], NULL));
}
END_TEST

KIT_MAIN("http/write", what_is_written_is_json_and_reads_back, a_small_buffer_gets_what_fits,
         what_has_no_value_is_left_out_or_null, bytes_that_are_no_utf8_are_replaced,
         what_can_not_be_written_is_refused, numbers_are_as_short_as_can_be,
         random_numbers_read_back_as_they_were, numbers_are_read_as_the_c_library_reads_them)
