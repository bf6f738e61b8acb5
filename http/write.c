/* Structs into JSON. */
#include "http/write.h"

#include <math.h>

#include "http/declare.h"
#include "http/number.h"

/* ---- values ---- */

void tr__out_integer(tr__json_out *out, int64_t value)
{
    char text[TR__NUMBER_ROOM];

    tr__out_put(out, text, tr__integer_write(value, text));
}

void tr__out_number(tr__json_out *out, double value)
{
    char text[TR__NUMBER_ROOM];

    tr__out_put(out, text, tr__number_write(value, text));
}

static void put_escape(tr__json_out *out, unsigned char c)
{
    static const char digits[] = "0123456789abcdef";
    static const char simple[] = "\"\"\\\\\bb\ff\nn\rr\tt";
    char escape[6] = { '\\', 'u', '0', '0', digits[c >> 4], digits[c & 15] };

    for (const char *at = simple; *at != '\0'; at += 2) {
        if ((unsigned char)*at == c) {
            escape[1] = at[1];
            tr__out_put(out, escape, 2);
            return;
        }
    }
    tr__out_put(out, escape, 6);
}

static bool is_plain(unsigned char c)
{
    return c >= 32 && c < 128 && c != '"' && c != '\\';
}

void tr__out_escaped(tr__json_out *out, const char *text, size_t bytes)
{
    const char *end = text + bytes;

    while (text < end) {
        const char *first = text;
        size_t length;

        while (text < end && is_plain((unsigned char)*text))
            text++;
        tr__out_put(out, first, (size_t)(text - first));
        if (text == end)
            break;
        length = (unsigned char)*text < 128 ? 0 : tr__utf8_length(text, end);
        if ((unsigned char)*text < 128)
            put_escape(out, (unsigned char)*text);
        else if (length > 0)
            tr__out_put(out, text, length);
        else
            tr__out_put(out, "\xef\xbf\xbd", 3);
        text += length > 0 ? length : 1;
    }
}

void tr__out_string(tr__json_out *out, const char *text, size_t bytes)
{
    tr__out_character(out, '"');
    tr__out_escaped(out, text, bytes);
    tr__out_character(out, '"');
}

/* ---- structs ---- */

/* An object or list that is begun: the whole is written without a function that calls itself. */
typedef struct frame {
    const tr_declaration *of; /* NULL: a list */
    const tr_field *field;    /* a list's */
    const char *value;        /* the struct, or the items */
    size_t at;                /* the field or item that is next */
    size_t count;
    bool is_begun; /* something is written before */
} frame;

typedef struct writing {
    tr__json_out *out;
    size_t depth;
    frame frames[TR__JSON_DEPTH];
} writing;

static const char *pointer_at(const char *at)
{
    const char *pointer;

    memcpy(&pointer, at, sizeof(pointer));
    return pointer;
}

static int push(writing *w, frame begin)
{
    if (w->depth == TR__JSON_DEPTH)
        return TR_ELIMIT;
    tr__out_character(w->out, begin.of != NULL ? '{' : '[');
    w->frames[w->depth++] = begin;
    return 0;
}

static int push_object(writing *w, const tr_declaration *of, const char *value)
{
    return push(w, (frame){ .of = of, .value = value, .count = of->tr__count });
}

static int64_t integer_at(const tr_field *field, const char *at)
{
    unsigned unused = 64 - 8U * field->tr__bytes;
    uint64_t bits = 0;

    memcpy(&bits, at, field->tr__bytes);
    if (!field->tr__is_signed)
        return (int64_t)bits;
    return (int64_t)(bits << unused) >> unused;
}

static int write_number(writing *w, const char *at)
{
    double value;

    memcpy(&value, at, sizeof(value));
    if (!isfinite(value))
        return TR_EVALUE;
    tr__out_number(w->out, value);
    return 0;
}

static void write_text(writing *w, const char *text)
{
    if (text == NULL)
        tr__out_put(w->out, "null", 4);
    else
        tr__out_string(w->out, text, strlen(text));
}

/* at: the value; an object's first byte. */
static int write_value(writing *w, const tr_field *field, const char *at)
{
    switch (field->tr__kind) {
    case TR_FIELD_TEXT:
        write_text(w, pointer_at(at));
        return 0;
    case TR_FIELD_NUMBER:
        return write_number(w, at);
    case TR_FIELD_INTEGER:
        tr__out_integer(w->out, integer_at(field, at));
        return 0;
    case TR_FIELD_BOOLEAN:
        tr__out_text(w->out, *at != 0 ? "true" : "false");
        return 0;
    default:
        return push_object(w, field->tr__of, at);
    }
}

static bool is_absent(const tr_field *field, const char *value)
{
    bool is_pointer = field->tr__kind == TR_FIELD_TEXT || field->tr__kind == TR_FIELD_OBJECT;

    if (field->tr__has_at > 0)
        return value[field->tr__has_at - 1] == 0;
    return !field->tr__is_list && is_pointer && pointer_at(value + field->tr__at) == NULL;
}

static void begin_item(writing *w, frame *top)
{
    if (top->is_begun)
        tr__out_character(w->out, ',');
    top->is_begun = true;
}

static int write_list(writing *w, const tr_field *field, const char *value)
{
    size_t count;

    memcpy(&count, value + field->tr__count_at, sizeof(count));
    return push(
        w, (frame){ .field = field, .value = pointer_at(value + field->tr__at), .count = count });
}

static int step_object(writing *w, frame *top)
{
    const tr_field *field = &top->of->tr__fields[top->at++];
    bool is_null = is_absent(field, top->value);
    const char *name = tr__field_name(field);
    const char *at = top->value + field->tr__at;

    if (is_null && !field->required)
        return 0;
    begin_item(w, top);
    tr__out_string(w->out, name, strlen(name));
    tr__out_character(w->out, ':');
    if (is_null) {
        tr__out_put(w->out, "null", 4);
        return 0;
    }
    if (field->tr__is_list)
        return write_list(w, field, top->value);
    return write_value(w, field, field->tr__kind == TR_FIELD_OBJECT ? pointer_at(at) : at);
}

static int step_list(writing *w, frame *top)
{
    const tr_field *field = top->field;
    size_t bytes = field->tr__kind == TR_FIELD_OBJECT ? field->tr__of->tr__bytes : 8;

    begin_item(w, top);
    return write_value(w, field, top->value + bytes * top->at++);
}

int tr__declared_write(const tr_declaration *declaration, const void *value, tr__json_out *out)
{
    writing w; /* not zeroed: the frames are filled in as they are pushed */
    int rc;

    w.out = out;
    w.depth = 0;
    rc = push_object(&w, declaration, value);
    while (rc == 0 && w.depth > 0) {
        frame *top = &w.frames[w.depth - 1];

        if (top->at < top->count) {
            rc = top->of != NULL ? step_object(&w, top) : step_list(&w, top);
        } else {
            tr__out_character(out, top->of != NULL ? '}' : ']');
            w.depth--;
        }
    }
    return rc;
}
