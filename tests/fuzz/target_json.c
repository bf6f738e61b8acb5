/* Target json: JSON bodies into a declared struct and back, with jansson as the judge. */
/* The input is the body. What is accepted must read back as it was written; whether it is JSON at
 * all, jansson must say likewise. */
#include "fuzz/fuzz.h"

#include <jansson.h>
#include <string.h>

#include "http/declare.h"
#include "http/order.h"

/* Bytes of 0 end a text for jansson, and its numbers and depth are bounded in other ways. */
static void compare_with_jansson(const char *text, size_t bytes)
{
    json_error_t error;
    json_t *theirs;
    tr__scan scan;
    bool is_json;

    if (memchr(text, '\0', bytes) != NULL)
        return;
    tr__scan_init(&scan, text, bytes, TR__JSON_DEPTH);
    is_json = tr__scan_value(&scan) && tr__scan_end(&scan);
    EXPECT(is_json == (scan.wrong == NULL));
    if (scan.is_too_deep)
        return;
    theirs = json_loadb(text, bytes, JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
    if (theirs != NULL || (json_error_code(&error) != json_error_numeric_overflow &&
                           json_error_code(&error) != json_error_null_byte_in_key))
        EXPECT(is_json == (theirs != NULL));
    json_decref(theirs);
}

static void check_problems(const tr_parsed *parsed, int rc, const char *text, size_t bytes)
{
    size_t count;
    const tr_problem *problems = tr_parsed_problems(parsed, &count);

    EXPECT((rc == 0) == (count == 0));
    EXPECT(count <= TR_PROBLEMS_MOST);
    for (size_t i = 0; i < count; i++) {
        EXPECT(problems[i].where[0] == '\0' || problems[i].where[0] == '/');
        EXPECT(problems[i].what[0] != '\0' && problems[i].kind[0] != '\0');
        EXPECT(problems[i].line >= 1 && problems[i].column >= 1);
        EXPECT(problems[i].column <= bytes + 1);
        TELL("%s %s (%s), in %.*s", problems[i].where, problems[i].what, problems[i].kind,
             (int)bytes, text);
    }
}

static char *written(const struct order *order, size_t *bytes)
{
    ssize_t length = tr_declared_write(order, order, NULL, 0);
    char *text;

    EXPECT(length > 0);
    *bytes = (size_t)length;
    text = malloc(*bytes + 1);
    EXPECT(text != NULL);
    EXPECT(tr_declared_write(order, order, text, *bytes + 1) == length);
    return text;
}

/* Once written, it is parsed and written as the same. */
static void write_and_read(const struct order *order)
{
    tr_parsed *parsed tr_cleanup_parsed = NULL;
    struct order again;
    size_t bytes;
    size_t bytes_again;
    char *text = written(order, &bytes);
    tr_json_limits limits = { .bytes = bytes };
    char *text_again;
    int rc = tr_declared_parse(&parsed, order, &again, text, bytes, &limits);

    /* A list that was absent is written as an empty one, which words may not be. */
    if (rc == 0) {
        text_again = written(&again, &bytes_again);
        EXPECT(bytes == bytes_again && memcmp(text, text_again, bytes) == 0);
        free(text_again);
    } else {
        EXPECT(rc == TR_EVALUE);
        EXPECT(strcmp(tr_parsed_problems(parsed, NULL)->kind, "too_few") == 0);
    }
    free(text);
}

void fuzz_target(fuzz_input *in)
{
    tr_parsed *parsed tr_cleanup_parsed = NULL;
    struct order order;
    size_t bytes = in->left;
    char *text = malloc(bytes + (bytes == 0)); /* exactly as long: reads behind it are seen */
    int rc;

    EXPECT(text != NULL);
    memcpy(text, in->at, bytes);
    compare_with_jansson(text, bytes);
    rc = tr_declared_parse(&parsed, order, &order, text, bytes, NULL);
    EXPECT(rc == 0 || rc == TR_EVALUE || rc == TR_ESYNTAX || rc == TR_ETOOLARGE);
    check_problems(parsed, rc, text, bytes);
    if (rc == 0)
        write_and_read(&order);
    free(text);
}
