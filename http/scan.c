/* JSON, token by token. */
#include "http/scan.h"

#include <string.h>

void tr__scan_init(tr__scan *scan, const char *text, size_t bytes, unsigned most)
{
    *scan = (tr__scan){ .at = text, .start = text, .end = text + bytes, .most = most };
}

bool tr__scan_refuse(tr__scan *scan, const char *wrong)
{
    scan->wrong = wrong;
    return false;
}

void tr__scan_place(const tr__scan *scan, const char *at, size_t *line, size_t *column)
{
    const char *begin = scan->start;

    *line = 1;
    for (const char *newline = begin;
         (newline = memchr(newline, '\n', (size_t)(at - newline))) != NULL; begin = ++newline)
        ++*line;
    *column = (size_t)(at - begin) + 1;
}

/* ---- strings ---- */

static bool is_continued(const char *at)
{
    return ((unsigned char)*at & 0xc0) == 0x80;
}

/* Table 3-7 of the Unicode standard: no overlong forms, no surrogates, nothing above U+10FFFF. */
size_t tr__utf8_length(const char *at, const char *end)
{
    unsigned char first = (unsigned char)*at;
    unsigned char second = end - at > 1 ? (unsigned char)at[1] : 0;
    size_t bytes = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;

    if (first < 0xc2 || first > 0xf4 || (size_t)(end - at) < bytes)
        return 0;
    if ((first == 0xe0 && second < 0xa0) || (first == 0xed && second > 0x9f) ||
        (first == 0xf0 && second < 0x90) || (first == 0xf4 && second > 0x8f))
        return 0;
    for (size_t i = 1; i < bytes; i++) {
        if (!is_continued(at + i))
            return 0;
    }
    return bytes;
}

static int digit_of(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* The four digits behind \u; negative: they are none. */
static int32_t unit_at(const char *at, const char *end)
{
    int32_t unit = 0;

    if (end - at < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        int digit = digit_of(at[i]);

        if (digit < 0)
            return -1;
        unit = unit * 16 + digit;
    }
    return unit;
}

/* The character that \u at `at` stands for, in one or two units; negative: it is none. */
static int32_t character_at(const char *at, const char *end, size_t *bytes)
{
    int32_t high = unit_at(at + 2, end);
    int32_t low;

    *bytes = 6;
    if (high < 0xd800 || high > 0xdfff)
        return high;
    if (high > 0xdbff || end - at < 12 || at[6] != '\\' || at[7] != 'u')
        return -1;
    low = unit_at(at + 8, end);
    *bytes = 12;
    if (low < 0xdc00 || low > 0xdfff)
        return -1;
    return 0x10000 + (high - 0xd800) * 0x400 + (low - 0xdc00);
}

/* at is at a backslash. */
static bool scan_escape(tr__scan *scan, tr__json_string *string)
{
    size_t bytes = 2;
    int32_t character;

    string->is_escaped = true;
    if (scan->end - scan->at < 2)
        return tr__scan_refuse(scan, "a string does not end");
    if (scan->at[1] == 'u') {
        character = character_at(scan->at, scan->end, &bytes);
        if (character < 0)
            return tr__scan_refuse(scan, "\\u must be followed by four hexadecimal digits, and a "
                                         "surrogate by its other half");
        string->has_zero = string->has_zero || character == 0;
    } else if (scan->at[1] == '\0' || strchr("\"\\/bfnrt", scan->at[1]) == NULL) {
        return tr__scan_refuse(scan, "there is no such escape");
    }
    scan->at += bytes;
    return true;
}

#define ONES  UINT64_C(0x0101010101010101)
#define HIGHS UINT64_C(0x8080808080808080)

/* Whether one of eight bytes is a quote, a backslash, below 32 or above 127. */
static inline bool is_special(uint64_t word)
{
    uint64_t quote = word ^ (ONES * '"');
    uint64_t backslash = word ^ (ONES * '\\');

    return (((quote - ONES) | (backslash - ONES) | (word - ONES * 32) | word) & HIGHS) != 0;
}

static inline void skip_plain(tr__scan *scan)
{
    uint64_t word;

    while (scan->end - scan->at >= 8) {
        memcpy(&word, scan->at, 8);
        if (is_special(word))
            return;
        scan->at += 8;
    }
}

/* at is at a byte that may be anything. */
static inline bool scan_byte(tr__scan *scan, tr__json_string *string)
{
    unsigned char byte = (unsigned char)*scan->at;
    size_t bytes;

    if (TR__LIKELY(byte >= 32 && byte < 128 && byte != '\\')) {
        scan->at++;
        return true;
    }
    if (byte == '\\')
        return scan_escape(scan, string);
    if (byte < 32)
        return tr__scan_refuse(scan, "a control character in a string must be escaped");
    bytes = tr__utf8_length(scan->at, scan->end);
    if (bytes == 0)
        return tr__scan_refuse(scan, "a string must be UTF-8");
    scan->at += bytes;
    return true;
}

bool tr__scan_string(tr__scan *scan, tr__json_string *string)
{
    if (!tr__scan_take(scan, '"', "a string is expected"))
        return false;
    *string = (tr__json_string){ .at = scan->at };
    for (;;) {
        skip_plain(scan);
        if (scan->at == scan->end)
            return tr__scan_refuse(scan, "a string does not end");
        if (*scan->at == '"')
            break;
        if (!scan_byte(scan, string))
            return false;
    }
    string->bytes = (size_t)(scan->at - string->at);
    scan->at++;
    return true;
}

static size_t put_character(uint32_t c, char *text)
{
    if (c < 0x80) {
        text[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        text[0] = (char)(0xc0 | c >> 6);
        text[1] = (char)(0x80 | (c & 0x3f));
        return 2;
    }
    if (c < 0x10000) {
        text[0] = (char)(0xe0 | c >> 12);
        text[1] = (char)(0x80 | (c >> 6 & 0x3f));
        text[2] = (char)(0x80 | (c & 0x3f));
        return 3;
    }
    text[0] = (char)(0xf0 | c >> 18);
    text[1] = (char)(0x80 | (c >> 12 & 0x3f));
    text[2] = (char)(0x80 | (c >> 6 & 0x3f));
    text[3] = (char)(0x80 | (c & 0x3f));
    return 4;
}

static char simple_escape(char c)
{
    switch (c) {
    case 'b':
        return '\b';
    case 'f':
        return '\f';
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case 't':
        return '\t';
    default:
        return c;
    }
}

size_t tr__json_unescape(const tr__json_string *string, char *text)
{
    const char *at = string->at;
    const char *end = at + string->bytes;
    char *to = text;

    if (!string->is_escaped) {
        memcpy(text, at, string->bytes);
        return string->bytes;
    }
    while (at < end) {
        size_t bytes = 2;

        if (*at != '\\') {
            *to++ = *at++;
            continue;
        }
        if (at[1] == 'u')
            to += put_character((uint32_t)character_at(at, end, &bytes), to);
        else
            *to++ = simple_escape(at[1]);
        at += bytes;
    }
    return (size_t)(to - text);
}

/* ---- numbers and words ---- */

static size_t skip_digits(tr__scan *scan)
{
    const char *first = scan->at;

    while (scan->at < scan->end && *scan->at >= '0' && *scan->at <= '9')
        scan->at++;
    return (size_t)(scan->at - first);
}

static bool is_next(const tr__scan *scan, const char *either)
{
    return scan->at < scan->end && (*scan->at == either[0] || *scan->at == either[1]);
}

bool tr__scan_number(tr__scan *scan, tr__json_number *number)
{
    bool is_zero;

    *number = (tr__json_number){ .at = scan->at, .is_whole = true };
    scan->at += is_next(scan, "--");
    is_zero = is_next(scan, "00");
    if (is_zero)
        scan->at++;
    else if (skip_digits(scan) == 0)
        return tr__scan_refuse(scan, "a value is expected");
    if (is_next(scan, "..")) {
        number->is_whole = false;
        scan->at++;
        if (skip_digits(scan) == 0)
            return tr__scan_refuse(scan, "a digit is expected behind the point");
    }
    if (is_next(scan, "eE")) {
        number->is_whole = false;
        scan->at++;
        scan->at += is_next(scan, "+-");
        if (skip_digits(scan) == 0)
            return tr__scan_refuse(scan, "a digit is expected in the exponent");
    }
    number->bytes = (size_t)(scan->at - number->at);
    return true;
}

bool tr__scan_word(tr__scan *scan, const char *word)
{
    size_t bytes = strlen(word);

    if ((size_t)(scan->end - scan->at) < bytes || memcmp(scan->at, word, bytes) != 0)
        return tr__scan_refuse(scan, "a value is expected");
    scan->at += bytes;
    return true;
}

/* ---- values ---- */

bool tr__scan_open(tr__scan *scan)
{
    if (scan->depth == scan->most) {
        scan->is_too_deep = true;
        return tr__scan_refuse(scan, "lists and objects stand too deep in each other");
    }
    scan->depth++;
    scan->at++;
    return true;
}

static bool scan_scalar(tr__scan *scan, char first)
{
    tr__json_string string;
    tr__json_number number;

    switch (first) {
    case '"':
        return tr__scan_string(scan, &string);
    case 't':
        return tr__scan_word(scan, "true");
    case 'f':
        return tr__scan_word(scan, "false");
    case 'n':
        return tr__scan_word(scan, "null");
    default:
        return tr__scan_number(scan, &number);
    }
}

static bool scan_name(tr__scan *scan)
{
    tr__json_string name;

    return tr__scan_string(scan, &name) && tr__scan_take(scan, ':', "a colon is expected");
}

/* One value, or the beginning of one. *is_complete: nothing of it is left. */
static bool scan_begin(tr__scan *scan, uint64_t *objects, bool *is_complete)
{
    char first = tr__scan_peek(scan);
    bool is_object = first == '{';

    *is_complete = true;
    if (!is_object && first != '[')
        return scan_scalar(scan, first);
    if (!tr__scan_open(scan))
        return false;
    *objects = *objects << 1 | is_object;
    if (tr__scan_peek(scan) == (is_object ? '}' : ']')) {
        *objects >>= 1;
        tr__scan_close(scan);
        return true;
    }
    *is_complete = false;
    return is_object ? scan_name(scan) : true;
}

/* Behind a value: to the next one, or through the ends of what is open. */
static bool scan_on(tr__scan *scan, uint64_t *objects, unsigned outside)
{
    while (scan->depth > outside) {
        bool is_object = *objects & 1;
        char next = tr__scan_peek(scan);

        if (next == ',') {
            scan->at++;
            return is_object ? scan_name(scan) : true;
        }
        if (next != (is_object ? '}' : ']'))
            return tr__scan_refuse(scan, is_object ? "a comma or } is expected"
                                                   : "a comma or ] is expected");
        *objects >>= 1;
        tr__scan_close(scan);
    }
    return true;
}

bool tr__scan_value(tr__scan *scan)
{
    unsigned outside = scan->depth;
    uint64_t objects = 0;
    bool is_complete;

    do {
        if (!scan_begin(scan, &objects, &is_complete))
            return false;
        if (is_complete && !scan_on(scan, &objects, outside))
            return false;
    } while (scan->depth > outside);
    return true;
}

bool tr__scan_end(tr__scan *scan)
{
    tr__scan_space(scan);
    return scan->at == scan->end ? true : tr__scan_refuse(scan, "nothing more is expected");
}
