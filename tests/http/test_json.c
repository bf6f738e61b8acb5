/* Trees of jansson's, and jansson as the judge of our own scanner: of random texts, both must say
 * the same. */
#include <jansson.h>
#include <troupe/json.h>

#include <stdlib.h>
#include <string.h>

#include "http/declare.h"
#include "support/kit.h"

static int parse(const char *text, tr_json_fault *fault)
{
    json_t *tree;
    int rc = tr_json_parse(&tree, text, strlen(text), NULL, fault);

    ck_assert((rc == 0) == (tree != NULL));
    json_decref(tree);
    return rc;
}

START_TEST(a_text_becomes_a_tree)
{
    static const char text[] = "{\"a\": [1, 2.5, \"x\", null, true]}";
    json_t *tree;

    ck_assert_int_eq(tr_json_parse(&tree, text, sizeof(text) - 1, NULL, NULL), 0);
    ck_assert_uint_eq(json_array_size(json_object_get(tree, "a")), 5);
    json_decref(tree);
    ck_assert_int_eq(parse("3", NULL), 0);
}
END_TEST

START_TEST(what_is_refused_is_told_with_its_place)
{
    tr_json_fault fault;

    ck_assert_int_eq(parse("{\n \"a\": [1,]}", &fault), TR_ESYNTAX);
    ck_assert_uint_eq(fault.line, 2);
    ck_assert_uint_eq(fault.column, 10);
    ck_assert_str_eq(fault.what, "a value is expected");
    ck_assert_int_eq(parse("{\"a\": 1, \"a\": 2}", &fault), TR_EVALUE);
    ck_assert_int_eq(parse("[\"\\u0000\", {\"\\u0000\": 1}]", &fault), TR_EVALUE);
    ck_assert_int_eq(parse("[9223372036854775808]", &fault), TR_EVALUE);
    ck_assert_int_eq(parse("[1e999]", &fault), TR_EVALUE);
    ck_assert_int_eq(parse("[1e999]", NULL), TR_EVALUE);
    ck_assert_int_eq(parse("\"\xff\"", NULL), TR_ESYNTAX);
}
END_TEST

START_TEST(limits_hold)
{
    tr_json_limits limits = { .bytes = 10, .depth = 2 };
    tr_json_fault fault;
    size_t deep = 100000;
    char *text = malloc(deep + 1);
    json_t *tree;

    memset(text, '[', deep);
    text[deep] = '\0';
    ck_assert_int_eq(parse(text, &fault), TR_ETOOLARGE);
    ck_assert_uint_eq(fault.column, 65);
    free(text);
    ck_assert_int_eq(tr_json_parse(&tree, "[[1]]", 5, &limits, NULL), 0);
    json_decref(tree);
    ck_assert_int_eq(tr_json_parse(&tree, "[[[]]]", 6, &limits, NULL), TR_ETOOLARGE);
    ck_assert_int_eq(tr_json_parse(&tree, "\"123456789\"", 11, &limits, &fault), TR_ETOOLARGE);
    ck_assert_str_eq(fault.what, "has too many bytes");
}
END_TEST

START_TEST(wrong_arguments_are_refused)
{
    tr_json_limits limits = { .depth = 65 };
    json_t *tree;

    ck_assert_int_eq(tr_json_parse(NULL, "1", 1, NULL, NULL), TR_EINVAL);
    ck_assert_int_eq(tr_json_parse(&tree, NULL, 0, NULL, NULL), TR_EINVAL);
    ck_assert_int_eq(tr_json_parse(&tree, "1", 1, &limits, NULL), TR_EINVAL);
    ck_assert_ptr_null(tree);
}
END_TEST

/* ---- random texts ---- */

static uint64_t drawn;

static unsigned draw(unsigned below)
{
    drawn = drawn * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (unsigned)(drawn >> 33) % below;
}

static const char *const pieces[] = {
    "{",           "}",
    "[",           "]",
    ",",           ":",
    "\"a\"",       "\"b\\n\"",
    "1",           "-0",
    "2.5e3",       "true",
    "false",       "null",
    " ",           "\n",
    "\"\\u00e4\"", "\"\\ud83d\\ude00\"",
    "\"\\ud83d\"", "\"\xc3\xa4\"",
    "\"\xc3\"",    "01",
    "1.",          "\"",
    "\\",          "tru",
    "\x01",        "\"\t\"",
    "\"\\/\"",     "-",
    "1e5",         "{}",
    "[]",          "\"a\":",
    ",",
};

/* Mostly well formed: a value, and now and then a piece that does not belong there. */
static char *put(char *at, const char *text)
{
    return stpcpy(at, text);
}

static char *put_value(char *at, int depth)
{
    unsigned kind = draw(depth > 4 ? 8 : 12);
    unsigned count = draw(4);

    if (draw(60) == 0)
        at = put(at, pieces[draw(sizeof(pieces) / sizeof(pieces[0]))]);
    if (kind < 8)
        return put(at, (const char *const[]){ "1", "-2.5", "\"x\"", "\"\\u00e4\\n\"", "true",
                                              "null", "1e2", "\"\xe2\x82\xac\"" }[kind]);
    at = put(at, kind < 10 ? "[" : "{");
    for (unsigned i = 0; i < count; i++) {
        if (kind >= 10)
            at += sprintf(at, "\"k%u\": ", i);
        at = put_value(at, depth + 1); /* as deep as the test wants */
        if (i + 1 < count || draw(80) == 0)
            at = put(at, ", ");
    }
    return put(at, kind < 10 ? "]" : "}");
}

static void compare(const char *text, size_t bytes)
{
    json_error_t error;
    json_t *theirs = json_loadb(text, bytes, JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
    bool is_beyond = theirs == NULL && json_error_code(&error) == json_error_numeric_overflow;
    tr__scan scan;
    bool is_ours;

    tr__scan_init(&scan, text, bytes, TR__JSON_DEPTH);
    is_ours = tr__scan_value(&scan) && tr__scan_end(&scan);
    if (!is_beyond && !scan.is_too_deep &&
        !(theirs == NULL && json_error_code(&error) == json_error_null_byte_in_key))
        ck_assert_msg(is_ours == (theirs != NULL), "ours %s, jansson's %s: %.*s",
                      is_ours ? "well" : scan.wrong, theirs != NULL ? "well" : error.text,
                      (int)bytes, text);
    json_decref(theirs);
}

START_TEST(random_texts_are_judged_as_by_jansson)
{
    static char text[1 << 20];

    drawn = 7;
    for (int i = 0; i < 60000; i++) {
        char *end = put_value(text, 0);

        compare(text, (size_t)(end - text));
    }
    for (int i = 0; i < 100000; i++) {
        char *at = text;

        for (unsigned n = 1 + draw(8); n > 0; n--)
            at = put(at, pieces[draw(sizeof(pieces) / sizeof(pieces[0]))]);
        compare(text, (size_t)(at - text));
    }
}
END_TEST

START_TEST(a_byte_of_zero_is_no_end)
{
    json_t *tree;

    ck_assert_int_eq(tr_json_parse(&tree, "1\0", 2, NULL, NULL), TR_ESYNTAX);
    ck_assert_ptr_null(tree);
}
END_TEST

/* Without bytes of 0, which end a text for jansson. */
START_TEST(random_bytes_are_judged_as_by_jansson)
{
    static const char alphabet[] = "{}[]\",:\\u0 1e.-tnf";
    char text[24];

    drawn = 11;
    for (int i = 0; i < 300000; i++) {
        size_t bytes = draw(sizeof(text));

        for (size_t k = 0; k < bytes; k++)
            text[k] = draw(6) == 0 ? (char)(1 + draw(255)) : alphabet[draw(sizeof(alphabet) - 1)];
        compare(text, bytes);
    }
    for (int i = 0; i < 300000; i++) { /* UTF-8, or nearly so */
        size_t bytes = 1 + draw(6);

        text[0] = text[bytes + 1] = '"';
        for (size_t k = 1; k <= bytes; k++)
            text[k] = (char)(draw(3) == 0 ? 0xc0 + draw(64) : 0x80 + draw(64));
        compare(text, bytes + 2);
    }
}
END_TEST

KIT_MAIN("http/json", a_text_becomes_a_tree, what_is_refused_is_told_with_its_place, limits_hold,
         wrong_arguments_are_refused, a_byte_of_zero_is_no_end,
         random_texts_are_judged_as_by_jansson, random_bytes_are_judged_as_by_jansson)
