/* Declared bodies: parsed, checked and filled in. */
#include <troupe/declare.h>

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/seam.h"
#include "http/declare.h"
#include "http/order.h"
#include "support/kit.h"

/* What parsing this gave; the caller frees *parsed. */
static int parse(const char *json, struct order *order, tr_parsed **parsed)
{
    return tr_declared_parse(parsed, order, order, json, strlen(json), NULL);
}

/* It must be wrong in exactly one way. */
static void expect_problem(const char *json, int rc, const char *where, const char *kind,
                           const char *what)
{
    struct order order;
    tr_parsed *parsed tr_cleanup_parsed = NULL;
    const tr_problem *problems;
    size_t count;

    ck_assert_int_eq(parse(json, &order, &parsed), rc);
    problems = tr_parsed_problems(parsed, &count);
    ck_assert_uint_eq(count, 1);
    ck_assert_str_eq(problems[0].where, where);
    ck_assert_str_eq(problems[0].kind, kind);
    ck_assert_str_eq(problems[0].what, what);
    ck_assert_uint_ge(problems[0].line, 1);
    ck_assert_uint_ge(problems[0].column, 1);
}

#define LEAST "\"name\":\"a\",\"price\":1"

static void expect_value_problem(const char *member, const char *where, const char *kind,
                                 const char *what)
{
    char json[4096];

    (void)snprintf(json, sizeof(json), "{" LEAST ",%s}", member);
    expect_problem(json, TR_EVALUE, where, kind, what);
}

static void expect_syntax(const char *json, const char *what)
{
    expect_problem(json, TR_ESYNTAX, "", "syntax", what);
}

START_TEST(every_kind_of_field_is_filled_in)
{
    static const char json[] =
        " { \"name\" : \"Ann B\", \"price\":2.5,\"quantity\":3,\"on-sale/~\":false,\n"
        "\"labels\":[{\"text\":\"a\"},{\"text\":\"\\u00e4\\ud83d\\ude00\\n\"}],"
        "\"ship_to\":{\"street\":\"Road\",\"number\":-12},\"words\":[\"x\",\"\"],"
        "\"sizes\":[1,2e1,-0.5],\"codes\":[9223372036854775807,-9223372036854775808],"
        "\"email\":\"a@b.org\",\"colour\":\"green\",\"note\":\"n\",\"discount\":0.25,"
        "\"port\":65535,\"level\":-128,\"flags\":4294967295,"
        "\"parts\":[{" LEAST "}],\"unknown\":{\"a\":[1,{}]} } ";
    tr_parsed *parsed tr_cleanup_parsed = NULL;
    struct order order;

    ck_assert_int_eq(parse(json, &order, &parsed), 0);
    ck_assert_str_eq(order.name, "Ann B");
    ck_assert_double_eq(order.price, 2.5);
    ck_assert_int_eq(order.quantity, 3);
    ck_assert(!order.on_sale);
    ck_assert_uint_eq(order.labels_count, 2);
    ck_assert_str_eq(order.labels[1].text, "\xc3\xa4\xf0\x9f\x98\x80\n");
    ck_assert_str_eq(order.ship_to->street, "Road");
    ck_assert_int_eq(order.ship_to->number, -12);
    ck_assert_uint_eq(order.words_count, 2);
    ck_assert_str_eq(order.words[0], "x");
    ck_assert_double_eq(order.sizes[1], 20);
    ck_assert(order.codes[0] == INT64_MAX && order.codes[1] == INT64_MIN);
    ck_assert_str_eq(order.email, "a@b.org");
    ck_assert_str_eq(order.colour, "green");
    ck_assert(order.note_sent && order.has_discount);
    ck_assert_uint_eq(order.port, 65535);
    ck_assert_int_eq(order.level, -128);
    ck_assert_uint_eq(order.flags, UINT_MAX);
    ck_assert_uint_eq(order.parts_count, 1);
    ck_assert_int_eq(order.parts[0].quantity, 7);
}
END_TEST

START_TEST(what_is_absent_has_its_default)
{
    tr_parsed *parsed tr_cleanup_parsed = NULL;
    struct order order;

    ck_assert_int_eq(parse("{" LEAST "}", &order, &parsed), 0);
    ck_assert_int_eq(order.quantity, 7);
    ck_assert(order.on_sale);
    ck_assert_str_eq(order.colour, "red");
    ck_assert_double_eq(order.discount, 0.5);
    ck_assert(!order.has_discount && !order.note_sent);
    ck_assert_ptr_null(order.note);
    ck_assert_ptr_null(order.ship_to);
    ck_assert_uint_eq(order.labels_count, 0);
}
END_TEST

START_TEST(null_is_no_value_and_yet_was_sent)
{
    tr_parsed *parsed tr_cleanup_parsed = NULL;
    struct order order;

    ck_assert_int_eq(parse("{" LEAST ",\"note\":null,\"discount\":null}", &order, &parsed), 0);
    ck_assert(order.note_sent && !order.has_discount);
    ck_assert_ptr_null(order.note);
    ck_assert_double_eq(order.discount, 0);
}
END_TEST

START_TEST(each_rule_that_is_broken_is_told)
{
    expect_problem("{\"price\":1}", TR_EVALUE, "/name", "missing", "is required");
    expect_problem("[]", TR_EVALUE, "", "type", "must be an object");
    expect_problem("{\"name\":\"\",\"price\":1}", TR_EVALUE, "/name", "too_short",
                   "must have at least 1 character");
    expect_problem("{\"name\":\"abcdefghijk\",\"price\":1}", TR_EVALUE, "/name", "too_long",
                   "must have at most 10 characters");
    expect_problem("{\"name\":\"a1\",\"price\":1}", TR_EVALUE, "/name", "pattern",
                   "must match the pattern ^[A-Za-z ]+$");
    expect_problem("{\"name\":\"a\",\"price\":0}", TR_EVALUE, "/price", "too_small",
                   "must be more than 0");
    expect_value_problem("\"quantity\":0", "/quantity", "too_small", "must be at least 1");
    expect_value_problem("\"quantity\":1001", "/quantity", "too_large", "must be at most 1000");
    expect_value_problem("\"quantity\":1.5", "/quantity", "integer", "must be an integer");
    expect_value_problem("\"quantity\":\"1\"", "/quantity", "type", "must be an integer");
    expect_value_problem("\"sizes\":[1,100]", "/sizes/1", "too_large", "must be less than 100");
    expect_value_problem("\"sizes\":[1e999]", "/sizes/0", "range",
                         "is larger than a number can be");
    expect_value_problem("\"sizes\":[null]", "/sizes/0", "type", "must be a number");
    expect_value_problem("\"codes\":[9223372036854775808]", "/codes/0", "range",
                         "is beyond the integers that fit here");
    expect_value_problem("\"codes\":[1e19]", "/codes/0", "range",
                         "is beyond the integers that fit here");
    expect_value_problem("\"port\":65536", "/port", "range",
                         "is beyond the integers that fit here");
    expect_value_problem("\"port\":-1", "/port", "range", "is beyond the integers that fit here");
    expect_value_problem("\"level\":128", "/level", "range",
                         "is beyond the integers that fit here");
    expect_value_problem("\"on-sale/~\":1", "/on-sale~1~0", "type", "must be true or false");
    expect_value_problem("\"labels\":[{\"text\":\"a\"},{\"text\":\"123456789\"}]", "/labels/1/text",
                         "too_long", "must have at most 8 characters");
    expect_value_problem("\"labels\":[{\"text\":\"a\",\"b\":1}]", "/labels/0", "unknown",
                         "has an unknown member: b");
    expect_value_problem("\"labels\":{}", "/labels", "type", "must be a list");
    expect_value_problem("\"ship_to\":{\"number\":1}", "/ship_to/street", "missing", "is required");
    expect_value_problem("\"words\":[]", "/words", "too_few", "must have at least 1 item");
    expect_value_problem("\"words\":[\"a\",\"abcd\"]", "/words/1", "too_long",
                         "must have at most 3 characters");
    expect_value_problem("\"email\":\"nobody\"", "/email", "format", "must have the format email");
    expect_value_problem("\"colour\":\"gree\"", "/colour", "one_of",
                         "must be one of: red|green|blue");
    expect_value_problem("\"colour\":null", "/colour", "null", "must not be null");
    expect_value_problem("\"note\":\"a\\u0000b\"", "/note", "zero",
                         "must not contain the character U+0000");
    expect_value_problem("\"price\":2", "/price", "duplicate", "must be there only once");
}
END_TEST

START_TEST(a_list_that_is_too_long_keeps_what_may_be)
{
    tr_parsed *parsed tr_cleanup_parsed = NULL;
    struct order order;
    size_t count;

    ck_assert_int_eq(parse("{" LEAST ",\"labels\":[{\"text\":\"a\"},{\"text\":\"b\"},"
                           "{\"text\":\"c\"},{\"wrong\":1},{}]}",
                           &order, &parsed),
                     TR_EVALUE);
    ck_assert_uint_eq(order.labels_count, 3);
    ck_assert_str_eq(tr_parsed_problems(parsed, &count)->where, "/labels");
    ck_assert_uint_eq(count, 1);
}
END_TEST

START_TEST(problems_are_all_told_up_to_a_bound)
{
    tr_parsed *parsed tr_cleanup_parsed = NULL;
    struct order order;
    const tr_problem *problems;
    char json[2048] = "{\n  \"name\": 1,\n  \"sizes\": [";
    size_t count;

    for (int i = 0; i < 100; i++)
        strcat(json, "\"\",");
    strcat(json, "1]\n}");
    ck_assert_int_eq(parse(json, &order, &parsed), TR_EVALUE);
    problems = tr_parsed_problems(parsed, &count);
    ck_assert_uint_eq(count, TR_PROBLEMS_MOST);
    ck_assert_uint_eq(problems[0].line, 2);
    ck_assert_uint_eq(problems[0].column, 11);
    ck_assert_str_eq(problems[5].where, "/sizes/4");
    ck_assert_uint_eq(problems[5].line, 3);
}
END_TEST

START_TEST(what_is_no_json_is_told_with_its_place)
{
    expect_syntax("", "a value is expected");
    expect_syntax("{", "the name of a member is expected");
    expect_syntax("{,}", "the name of a member is expected");
    expect_syntax("{" LEAST ",}", "the name of a member is expected");
    expect_syntax("{" LEAST "", "a comma or } is expected");
    expect_syntax("{\"name\" \"a\"}", "a colon is expected");
    expect_syntax("{" LEAST ",\"sizes\":[1,]}", "a value is expected");
    expect_syntax("{" LEAST ",\"sizes\":[1 2]}", "a comma or ] is expected");
    expect_syntax("{" LEAST ",\"x\":[1 2]}", "a comma or ] is expected");
    expect_syntax("{" LEAST ",\"x\":{\"a\":1 2}}", "a comma or } is expected");
    expect_syntax("{" LEAST ",\"x\":{1}}", "a string is expected");
    expect_syntax("{" LEAST ",\"x\":01}", "a comma or } is expected");
    expect_syntax("{" LEAST ",\"x\":-}", "a value is expected");
    expect_syntax("{" LEAST ",\"x\":1.}", "a digit is expected behind the point");
    expect_syntax("{" LEAST ",\"x\":1e+}", "a digit is expected in the exponent");
    expect_syntax("{" LEAST ",\"x\":NaN}", "a value is expected");
    expect_syntax("{" LEAST ",\"x\":Infinity}", "a value is expected");
    expect_syntax("{" LEAST ",\"x\":nul}", "a value is expected");
    expect_syntax("{" LEAST ",\"x\":\"a", "a string does not end");
    expect_syntax("{" LEAST ",\"x\":\"a\\", "a string does not end");
    expect_syntax("{" LEAST ",\"x\":\"\\x\"}", "there is no such escape");
    expect_syntax("{" LEAST ",\"x\":\"\n\"}", "a control character in a string must be escaped");
    expect_syntax("{" LEAST "} x", "nothing more is expected");
    expect_syntax("{" LEAST ",'x':1}", "the name of a member is expected");
}
END_TEST

START_TEST(surrogates_come_in_pairs)
{
    static const char *const wrong[] = { "\\ud800", "\\udc00", "\\ud800\\ud800", "\\ud800x",
                                         "\\u12",   "\\u12g4", "\\ud800\\u12" };

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        char json[100];

        (void)snprintf(json, sizeof(json), "{\"note\":\"%s\"}", wrong[i]);
        expect_syntax(json, "\\u must be followed by four hexadecimal digits, and a surrogate by "
                            "its other half");
    }
}
END_TEST

START_TEST(invalid_utf8_of_each_kind_is_refused)
{
    static const char *const wrong[] = { "\x80",
                                         "\xbf",
                                         "\xc0\x80",
                                         "\xc1\xbf",
                                         "\xe0\x80\x80",
                                         "\xe0\x9f\xbf",
                                         "\xed\xa0\x80",
                                         "\xed\xbf\xbf",
                                         "\xf0\x80\x80\x80",
                                         "\xf0\x8f\xbf\xbf",
                                         "\xf4\x90\x80\x80",
                                         "\xf5\x80\x80\x80",
                                         "\xff",
                                         "\xc3",
                                         "\xe2\x82",
                                         "\xf0\x9f\x98",
                                         "\xc3(",
                                         "\xe2(\xa1" };
    static const char *const right[] = { "\xc2\x80",        "\xdf\xbf",     "\xe0\xa0\x80",
                                         "\xed\x9f\xbf",    "\xef\xbf\xbf", "\xf0\x90\x80\x80",
                                         "\xf4\x8f\xbf\xbf" };
    char json[100];

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        (void)snprintf(json, sizeof(json), "{\"note\":\"abcdefgh%s\"}", wrong[i]);
        expect_syntax(json, "a string must be UTF-8");
        (void)snprintf(json, sizeof(json), "{\"%s\":1}", wrong[i]);
        expect_syntax(json, "a string must be UTF-8");
    }
    for (size_t i = 0; i < sizeof(right) / sizeof(right[0]); i++) {
        tr_parsed *parsed tr_cleanup_parsed = NULL;
        struct order order;

        (void)snprintf(json, sizeof(json), "{" LEAST ",\"note\":\"%s\"}", right[i]);
        ck_assert_int_eq(parse(json, &order, &parsed), 0);
        ck_assert_str_eq(order.note, right[i]);
    }
}
END_TEST

START_TEST(a_name_may_be_escaped)
{
    tr_parsed *parsed tr_cleanup_parsed = NULL;
    struct order order;

    ck_assert_int_eq(parse("{\"n\\u0061me\":\"x\",\"price\":1,\"name\\u0000\":2}", &order, &parsed),
                     0);
    ck_assert_str_eq(order.name, "x");
}
END_TEST

START_TEST(integers_may_have_a_point)
{
    tr_parsed *parsed tr_cleanup_parsed = NULL;
    struct order order;

    ck_assert_int_eq(parse("{" LEAST ",\"quantity\":2.0,\"codes\":[1e3,-0,-0.0]}", &order, &parsed),
                     0);
    ck_assert_int_eq(order.quantity, 2);
    ck_assert_int_eq(order.codes[0], 1000);
    ck_assert_int_eq(order.codes[2], 0);
}
END_TEST

/* so many times `open`, within a member of that name. */
static char *deep(const char *name, const char *open, size_t times)
{
    size_t length = strlen(open);
    char *json = malloc(times * length + 100);
    char *at = json + sprintf(json, "{" LEAST ",\"%s\":", name);

    for (size_t i = 0; i < times; i++, at += length)
        memcpy(at, open, length);
    *at = '\0';
    return json;
}

START_TEST(depth_is_bounded_in_what_is_declared_and_what_is_not)
{
    static const char *const opens[] = { "x\0[", "x\0{\"a\":", "parts\0[{\"parts\":" };

    for (size_t i = 0; i < sizeof(opens) / sizeof(opens[0]); i++) {
        const char *name = opens[i];
        char *json = deep(name, name + strlen(name) + 1, 60000);

        expect_problem(json, TR_ETOOLARGE, "", "too_deep",
                       "lists and objects stand too deep in each other");
        free(json);
    }
}
END_TEST

START_TEST(as_deep_as_the_limit_is_possible)
{
    tr_parsed *parsed = NULL;
    struct order order;
    char json[1000] = "{" LEAST ",\"x\":";

    for (int i = 0; i < 63; i++)
        strcat(json, "[");
    for (int i = 0; i < 63; i++)
        strcat(json, "]");
    strcat(json, "}");
    ck_assert_int_eq(parse(json, &order, &parsed), 0);
    tr_parsed_free(parsed);
    ck_assert_int_eq(tr_declared_parse(&parsed, order, &order, json, strlen(json),
                                       (&(tr_json_limits){ .depth = 63 })),
                     TR_ETOOLARGE);
    tr_parsed_free(parsed);
    ck_assert_int_eq(tr_declared_parse(&parsed, order, &order, json, strlen(json),
                                       (&(tr_json_limits){ .bytes = 100 })),
                     TR_ETOOLARGE);
    ck_assert_str_eq(tr_parsed_problems(parsed, NULL)->kind, "too_large");
    tr_parsed_free(parsed);
}
END_TEST

START_TEST(small_json_can_not_become_a_struct_of_any_size)
{
    static const char head[] = "{" LEAST ",\"parts\":[";
    size_t items = 300000;
    char *json = malloc(sizeof(head) + 3 * items);
    char *at = stpcpy(json, head);
    struct order order;
    tr_parsed *parsed;

    for (size_t i = 0; i < items; i++)
        at = stpcpy(at, "{},");
    ck_assert_int_eq(parse(json, &order, &parsed), TR_ETOOLARGE);
    free(json);
    tr_parsed_free(parsed);
    ck_assert_int_eq(tr_declared_parse(&parsed, order, &order,
                                       "{" LEAST ",\"ship_to\":{\"street\":\"\"}}", 44,
                                       (&(tr_json_limits){ .memory = 8 })),
                     TR_ETOOLARGE);
    ck_assert_str_eq(tr_parsed_problems(parsed, NULL)->kind, "too_large");
    ck_assert_str_eq(tr_parsed_problems(parsed, NULL)->what,
                     "lists and objects take too much memory");
    tr_parsed_free(parsed);
}
END_TEST

START_TEST(a_text_of_ten_megabytes_is_no_trouble)
{
    size_t bytes = 10 << 20;
    char *json = malloc(bytes + 100);
    int head = sprintf(json, "{" LEAST ",\"note\":\"");
    tr_json_limits limits = { .bytes = bytes + 100 };
    struct order order;
    tr_parsed *parsed;

    memset(json + head, 'x', bytes);
    strcpy(json + head + bytes, "\"}");
    ck_assert_int_eq(tr_declared_parse(&parsed, order, &order, json, head + bytes + 2, &limits), 0);
    ck_assert_uint_eq(strlen(order.note), bytes);
    tr_parsed_free(parsed);
    free(json);
}
END_TEST

START_TEST(numbers_of_too_many_digits_are_refused)
{
    char member[1000] = "\"sizes\":[";

    for (int i = 0; i < 600; i++)
        strcat(member, "1");
    strcat(member, "]");
    expect_value_problem(member, "/sizes/0", "range", "has too many digits");
}
END_TEST

static void parse_with_faults(void *ctx, int n)
{
    static const char *const bodies[] = {
        "{" LEAST ",\"labels\":[{\"text\":\"a\"},{\"text\":\"b\"}],\"parts\":[{" LEAST "}],"
        "\"words\":[\"a\",\"b\",\"c\",\"d\",\"e\",\"f\"],\"ship_to\":{\"street\":\"s\"}}",
        "{\"name\":1,\"pri\\u0063e\":0,\"labels\":[{\"text\":\"\",\"b\":1}],\"colour\":\"x\"}",
    };
    int *rcs = ctx;

    (void)n;
    for (int i = 0; i < 2; i++) {
        struct order order;
        tr_parsed *parsed;
        int rc = parse(bodies[i], &order, &parsed);

        ck_assert(rc == TR_ENOMEM ? parsed == NULL : rc == rcs[i]);
        tr_parsed_free(parsed);
    }
}

START_TEST(without_memory_nothing_is_lost)
{
    int rcs[] = { 0, TR_EVALUE };

    ck_assert_int_gt(kit_for_every_fault(parse_with_faults, rcs), 3);
}
END_TEST

START_TEST(wrong_arguments_are_refused)
{
    struct order order;
    tr_parsed *parsed;
    size_t count = 1;

    ck_assert_int_eq(tr_declared_parse(NULL, order, &order, "", 0, NULL), TR_EINVAL);
    ck_assert_int_eq(tr_declared_parse_as(&parsed, NULL, &order, "", 0, NULL), TR_EINVAL);
    ck_assert_int_eq(tr_declared_parse(&parsed, order, (struct order *)NULL, "", 0, NULL),
                     TR_EINVAL);
    ck_assert_int_eq(tr_declared_parse(&parsed, order, &order, NULL, 1, NULL), TR_EINVAL);
    ck_assert_int_eq(
        tr_declared_parse(&parsed, order, &order, "{}", 2, (&(tr_json_limits){ .depth = 65 })),
        TR_EINVAL);
    ck_assert_ptr_null(parsed);
    ck_assert_int_eq(tr_declared_parse(&parsed, order, &order, NULL, 0, NULL), TR_ESYNTAX);
    tr_parsed_free(parsed);
    tr_parsed_free(NULL);
    ck_assert_ptr_null(tr_parsed_problems(NULL, &count));
    ck_assert_uint_eq(count, 0);
}
END_TEST

struct broken {
    char *text;
};
TR_DECLARE(broken, TR_TEXT(broken, text, .pattern = "(a"));

struct costly {
    char *text;
};
TR_DECLARE(costly, TR_TEXT(costly, text, .pattern = "^(a+)+$"));

START_TEST(a_pattern_that_is_none_is_an_argument_that_is_invalid)
{
    struct broken broken;
    tr_parsed *parsed;

    ck_assert_int_eq(tr_declared_parse(&parsed, broken, &broken, "{\"text\":\"\"}", 11, NULL),
                     TR_EINVAL);
    ck_assert_ptr_null(parsed);
    ck_assert_int_eq(tr__declared_check(&tr_declared_broken), TR_EINVAL);
    ck_assert_int_eq(tr__declared_check(&tr_declared_order), 0);
}
END_TEST

START_TEST(a_pattern_that_would_take_for_ever_does_not_match)
{
    static const char json[] = "{\"text\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab\"}";
    struct costly costly;
    tr_parsed *parsed;

    ck_assert_int_eq(tr_declared_parse(&parsed, costly, &costly, json, sizeof(json) - 1, NULL),
                     TR_EVALUE);
    ck_assert_str_eq(tr_parsed_problems(parsed, NULL)->kind, "pattern");
    tr_parsed_free(parsed);
}
END_TEST

KIT_MAIN("http/declare", every_kind_of_field_is_filled_in, what_is_absent_has_its_default,
         null_is_no_value_and_yet_was_sent, each_rule_that_is_broken_is_told,
         a_list_that_is_too_long_keeps_what_may_be, problems_are_all_told_up_to_a_bound,
         what_is_no_json_is_told_with_its_place, surrogates_come_in_pairs,
         invalid_utf8_of_each_kind_is_refused, a_name_may_be_escaped, integers_may_have_a_point,
         depth_is_bounded_in_what_is_declared_and_what_is_not, as_deep_as_the_limit_is_possible,
         small_json_can_not_become_a_struct_of_any_size, a_text_of_ten_megabytes_is_no_trouble,
         numbers_of_too_many_digits_are_refused, without_memory_nothing_is_lost,
         wrong_arguments_are_refused, a_pattern_that_is_none_is_an_argument_that_is_invalid,
         a_pattern_that_would_take_for_ever_does_not_match)
