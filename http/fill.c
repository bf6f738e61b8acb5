/* JSON into declared structs.
 *
 * A frame stands for each list and object that is open, and is declared; the innermost one is
 * worked at. What is not declared, or of another type, is scanned and skipped.
 *
 *   { "tags": [ { "label": ...          frames: body <- tags <- tags[0] (here)
 *
 * A value that is wrong is noted, and the rest goes on; what is no JSON ends it. */
#include "http/declare.h"

#include <math.h>
#include <string.h>

#include "http/check.h"
#include "http/number.h"

typedef struct frame {
    struct frame *outer;
    const tr_declaration *of; /* an object's; a list's is that of the object around it */
    const tr_field *field;    /* an object's: the one at which it is; a list's: its own */
    const char *opened;       /* its { or [ */
    char *out;                /* the struct; of a list: the struct that holds it */
    uint64_t seen;            /* an object's fields, a bit each */
    uint32_t next;            /* the field that is likely next */
    bool is_list;
    bool is_begun; /* there is a member or an item before */
    size_t count;  /* of a list: items that came */
    size_t room;
    size_t item_bytes;
    char *items;
} frame;

typedef struct parse {
    tr__scan scan;
    tr__arena *arena;
    tr__problems *problems;
    frame *top;
    frame *spare;
    int rc; /* what ends it early */
} parse;

/* ---- problems ---- */

static bool end_with(parse *p, int rc)
{
    p->rc = rc;
    return false;
}

/* The length of one part of a pointer, written to `to` unless that is NULL. */
static size_t put_part(const frame *at, char *to)
{
    const char *name;
    char digits[24];
    size_t bytes = 0;

    if (at->is_list) {
        size_t length = tr__integer_write((int64_t)at->count, digits);

        if (to != NULL) {
            to[0] = '/';
            memcpy(to + 1, digits, length);
        }
        return length + 1;
    }
    if (to != NULL)
        to[0] = '/';
    for (name = tr__field_name(at->field), bytes = 1; *name != '\0'; name++, bytes++) {
        bool is_escaped = *name == '~' || *name == '/';

        if (to != NULL)
            to[bytes] = is_escaped ? '~' : *name;
        bytes += is_escaped;
        if (to != NULL && is_escaped)
            to[bytes] = *name == '~' ? '0' : '1';
    }
    return bytes;
}

/* The JSON pointer to where the innermost frame is; NULL: no memory. */
static const char *pointer_to(parse *p, const frame *innermost)
{
    size_t bytes = 0;
    char *text;

    for (const frame *at = innermost; at != NULL; at = at->outer)
        bytes += put_part(at, NULL);
    text = tr__arena_take_aligned(p->arena, bytes + 1, 1);
    if (text == NULL)
        return NULL;
    text[bytes] = '\0';
    for (const frame *at = innermost; at != NULL; at = at->outer) {
        bytes -= put_part(at, NULL);
        (void)put_part(at, text + bytes); /* its length is known */
    }
    return text;
}

/* Note what is wrong at a place; false only if there is no memory for it. */
static bool note(parse *p, const frame *innermost, const char *at, tr__finding found)
{
    tr_problem problem = { .kind = found.kind, .what = found.what };
    int rc;

    if (p->problems->count == TR_PROBLEMS_MOST) {
        p->problems->more++;
        return true;
    }
    problem.where = pointer_to(p, innermost);
    tr__scan_place(&p->scan, at, &problem.line, &problem.column);
    rc = tr__problems_add(p->problems, problem);
    return rc == 0 ? true : end_with(p, rc);
}

/* ---- frames ---- */

static frame *push_frame(parse *p, frame begin)
{
    frame *new = p->spare;

    if (new != NULL)
        p->spare = new->outer;
    else
        new = tr__arena_take(p->arena, sizeof(*new));
    if (new == NULL) {
        p->rc = TR_ENOMEM;
        return NULL;
    }
    begin.opened = p->scan.at;
    begin.outer = p->top;
    *new = begin;
    p->top = new;
    return new;
}

static void pop_frame(parse *p)
{
    frame *top = p->top;

    p->top = top->outer;
    top->outer = p->spare;
    p->spare = top;
}

static bool open_object(parse *p, const tr_declaration *of, char *out)
{
    memset(out, 0, of->tr__bytes);
    return push_frame(p, (frame){ .of = of, .out = out }) != NULL && tr__scan_open(&p->scan);
}

static bool open_list(parse *p, const tr_field *field)
{
    frame begin = { .of = p->top->of, .field = field, .out = p->top->out, .is_list = true };

    begin.item_bytes = field->tr__kind == TR_FIELD_OBJECT ? field->tr__of->tr__bytes : 8;
    return push_frame(p, begin) != NULL && tr__scan_open(&p->scan);
}

/* ---- scalars ---- */

static void set_integer(char *at, size_t bytes, int64_t value)
{
    uint64_t bits = (uint64_t)value;

    /* As the machine has it: all that we run on have the lowest byte first. */
    memcpy(at, &bits, bytes);
}

static bool fill_text(parse *p, const tr_field *field, char *at)
{
    const char *began = p->scan.at;
    tr__finding found = { NULL, NULL };
    tr__json_string string;
    size_t bytes;
    char *text;
    int rc;

    if (!tr__scan_string(&p->scan, &string))
        return false;
    if (string.has_zero)
        return note(p, p->top, began,
                    (tr__finding){ "zero", "must not contain the character U+0000" });
    text = tr__arena_take_aligned(p->arena, string.bytes + 1, 1);
    if (text == NULL)
        return end_with(p, TR_ENOMEM);
    bytes = tr__json_unescape(&string, text);
    text[bytes] = '\0';
    tr__arena_trim(p->arena, text, string.bytes + 1, bytes + 1);
    rc = tr__check_text(field, &p->top->of->tr__patterns[field - p->top->of->tr__fields], text,
                        bytes, p->arena, &found);
    if (rc < 0)
        return end_with(p, rc);
    memcpy(at, &text, sizeof(text));
    return found.what == NULL || note(p, p->top, began, found);
}

static bool check_bounds(parse *p, const tr_field *field, long double value, const char *began)
{
    tr__finding found = { NULL, NULL };
    int rc;

    if ((field->minimum.tr__kind | field->maximum.tr__kind) == 0)
        return true;
    rc = tr__check_number(field, value, p->arena, &found);
    if (rc < 0)
        return end_with(p, rc);
    return found.what == NULL || note(p, p->top, began, found);
}

static bool fill_double(parse *p, const tr_field *field, char *at, const tr__json_number *number)
{
    double value = tr__number_parse(number->at, number->bytes);

    if (isinf(value))
        return note(p, p->top, number->at,
                    (tr__finding){ "range", "is larger than a number can be" });
    memcpy(at, &value, sizeof(value));
    return check_bounds(p, field, value, number->at);
}

/* 2.0 and 1e3 are integers, too, as JSON Schema has it. */
static bool integer_of(const tr__json_number *number, int64_t *value, bool *is_integer)
{
    double inexact;

    *is_integer = true;
    if (number->is_whole)
        return tr__integer_parse(number->at, number->bytes, value);
    inexact = tr__number_parse(number->at, number->bytes);
    *is_integer = isinf(inexact) || inexact == rint(inexact);
    if (!(fabs(inexact) < 0x1p63))
        return false;
    *value = (int64_t)inexact;
    return true;
}

static bool fill_integer(parse *p, const tr_field *field, char *at, const tr__json_number *number)
{
    bool is_integer;
    int64_t value = 0;
    bool is_in_range = integer_of(number, &value, &is_integer);

    if (!is_integer)
        return note(p, p->top, number->at, (tr__finding){ "integer", "must be an integer" });
    if (!is_in_range || !tr__integer_fits(field, value))
        return note(p, p->top, number->at,
                    (tr__finding){ "range", "is beyond the integers that fit here" });
    set_integer(at, field->tr__bytes, value);
    return check_bounds(p, field, value, number->at);
}

static bool fill_number(parse *p, const tr_field *field, char *at)
{
    tr__json_number number;

    if (!tr__scan_number(&p->scan, &number))
        return false;
    if (number.bytes > TR__NUMBER_LONGEST)
        return note(p, p->top, number.at, (tr__finding){ "range", "has too many digits" });
    return field->tr__kind == TR_FIELD_NUMBER ? fill_double(p, field, at, &number)
                                              : fill_integer(p, field, at, &number);
}

static bool fill_boolean(parse *p, char *at, bool value)
{
    memcpy(at, &value, sizeof(value));
    return tr__scan_word(&p->scan, value ? "true" : "false");
}

/* ---- values ---- */

static const char *type_names[] = {
    [TR_FIELD_TEXT] = "must be a string",      [TR_FIELD_NUMBER] = "must be a number",
    [TR_FIELD_INTEGER] = "must be an integer", [TR_FIELD_BOOLEAN] = "must be true or false",
    [TR_FIELD_OBJECT] = "must be an object",
};

/* A value of another type: skipped. */
static bool skip_other(parse *p, const char *wanted)
{
    const char *began = p->scan.at;

    return tr__scan_value(&p->scan) && note(p, p->top, began, (tr__finding){ "type", wanted });
}

static bool fill_object(parse *p, const tr_field *field, char *at)
{
    char *object;

    if (p->top->is_list)
        return open_object(p, field->tr__of, at);
    object = tr__arena_take(p->arena, field->tr__of->tr__bytes);
    if (object == NULL)
        return end_with(p, TR_ENOMEM);
    memcpy(at, &object, sizeof(object));
    return open_object(p, field->tr__of, object);
}

/* One value of a field's kind, which begins with `first`: filled in, or a frame is open for it. */
static bool fill_value(parse *p, const tr_field *field, char *at, char first)
{
    bool is_number = first == '-' || (first >= '0' && first <= '9');

    switch (field->tr__kind) {
    case TR_FIELD_TEXT:
        if (first == '"')
            return fill_text(p, field, at);
        break;
    case TR_FIELD_NUMBER:
    case TR_FIELD_INTEGER:
        if (is_number)
            return fill_number(p, field, at);
        break;
    case TR_FIELD_BOOLEAN:
        if (first == 't' || first == 'f')
            return fill_boolean(p, at, first == 't');
        break;
    default:
        if (first == '{')
            return fill_object(p, field, at);
        break;
    }
    return skip_other(p, type_names[field->tr__kind]);
}

/* ---- lists ---- */

/* Room for one more item; NULL: no memory. */
static char *room_for_item(parse *p, frame *list)
{
    size_t bytes = list->item_bytes;

    if (list->count == list->room) {
        size_t room = list->room == 0 ? 4 : 2 * list->room;
        char *items = room > SIZE_MAX / bytes ? NULL : tr__arena_take(p->arena, room * bytes);

        if (items == NULL) {
            p->rc = TR_ENOMEM;
            return NULL;
        }
        if (list->count > 0)
            memcpy(items, list->items, list->count * bytes);
        list->items = items;
        list->room = room;
    }
    return memset(list->items + list->count * bytes, 0, bytes);
}

static bool fill_item(parse *p, frame *list, char first)
{
    char *at;

    /* What is too many is told at the end, and takes no memory. */
    if (list->field->max_items > 0 && list->count >= list->field->max_items)
        return tr__scan_value(&p->scan);
    at = room_for_item(p, list);
    return at != NULL && fill_value(p, list->field, at, first);
}

static bool end_list(parse *p, frame *list)
{
    tr__finding found = { NULL, NULL };
    size_t count = list->count;
    int rc = tr__check_count(list->field, count, p->arena, &found);
    size_t kept = list->field->max_items > 0 && count > list->field->max_items
                      ? list->field->max_items
                      : count;

    tr__scan_close(&p->scan);
    memcpy(list->out + list->field->tr__at, &list->items, sizeof(list->items));
    memcpy(list->out + list->field->tr__count_at, &kept, sizeof(kept));
    pop_frame(p);
    if (rc < 0)
        return end_with(p, rc);
    return found.what == NULL || note(p, p->top, list->opened, found);
}

/* count is that of the items that are complete; the innermost frame has come back to this one if it
 * was left for an object. */
static bool step_list(parse *p, frame *list)
{
    char first = tr__scan_peek(&p->scan);

    if (list->is_begun) {
        list->count++;
        if (first == ']')
            return end_list(p, list);
        if (!tr__scan_take(&p->scan, ',', "a comma or ] is expected"))
            return false;
        first = tr__scan_peek(&p->scan);
    } else if (first == ']') {
        return end_list(p, list);
    }
    list->is_begun = true;
    return fill_item(p, list, first);
}

/* ---- objects ---- */

static bool is_named(const tr_field *field, const char *name, size_t bytes)
{
    const char *wanted = tr__field_name(field);

    return strncmp(wanted, name, bytes) == 0 && wanted[bytes] == '\0';
}

/* The field of that name; NULL: none. Mostly it is the one behind the last. */
static const tr_field *field_named(frame *object, const char *name, size_t bytes)
{
    const tr_field *fields = object->of->tr__fields;
    size_t count = object->of->tr__count;

    if (object->next < count && is_named(&fields[object->next], name, bytes))
        return &fields[object->next++];
    for (size_t i = 0; i < count; i++) {
        if (is_named(&fields[i], name, bytes)) {
            object->next = (uint32_t)i + 1;
            return &fields[i];
        }
    }
    return NULL;
}

static void set_flag(const frame *object, uint32_t at, bool value)
{
    if (at > 0)
        memcpy(object->out + at - 1, &value, sizeof(value));
}

static bool fill_null(parse *p, frame *object, const tr_field *field)
{
    const char *began = p->scan.at;

    if (!tr__scan_word(&p->scan, "null"))
        return false;
    set_flag(object, field->tr__sent_at, true);
    return field->nullable || note(p, object, began, (tr__finding){ "null", "must not be null" });
}

static bool fill_field(parse *p, frame *object, const tr_field *field)
{
    char first = tr__scan_peek(&p->scan);

    if (first == 'n')
        return fill_null(p, object, field);
    set_flag(object, field->tr__has_at, true);
    set_flag(object, field->tr__sent_at, true);
    if (!field->tr__is_list)
        return fill_value(p, field, object->out + field->tr__at, first);
    return first == '[' ? open_list(p, field) : skip_other(p, "must be a list");
}

/* A member whose name is not declared. */
static bool skip_member(parse *p, const char *began, const char *name, size_t bytes)
{
    const frame *object = p->top;
    const char *what;

    if (!tr__scan_value(&p->scan))
        return false;
    if (!object->of->tr__refuses_unknown)
        return true;
    what = tr__arena_print(p->arena, "has an unknown member: %.*s", bytes > 80 ? 80 : (int)bytes,
                           name);
    return note(p, object->outer, began, (tr__finding){ "unknown", what });
}

/* Members of a name that is declared may come once. */
static bool begin_member(parse *p, frame *object, const char *began, const tr_field *field)
{
    uint64_t bit = UINT64_C(1) << (field - object->of->tr__fields);

    object->field = field;
    if ((object->seen & bit) != 0)
        return tr__scan_value(&p->scan) &&
               note(p, object, began, (tr__finding){ "duplicate", "must be there only once" });
    object->seen |= bit;
    return fill_field(p, object, field);
}

static bool step_member(parse *p, frame *object)
{
    const char *began = p->scan.at;
    const tr_field *field;
    tr__json_string string;
    const char *name;
    size_t bytes;

    if (!tr__scan_string(&p->scan, &string) || !tr__scan_take(&p->scan, ':', "a colon is expected"))
        return false;
    name = string.at;
    bytes = string.bytes;
    if (TR__UNLIKELY(string.is_escaped)) {
        char *copy = tr__arena_take_aligned(p->arena, string.bytes + 1, 1);

        if (copy == NULL)
            return end_with(p, TR_ENOMEM);
        bytes = tr__json_unescape(&string, copy);
        name = copy;
    }
    field = string.has_zero ? NULL : field_named(object, name, bytes);
    if (field == NULL)
        return skip_member(p, began, name, bytes);
    return begin_member(p, object, began, field);
}

static void set_default(const frame *object, const tr_field *field)
{
    char *at = object->out + field->tr__at;

    if (field->tr__is_list)
        return;
    switch (field->tr__kind) {
    case TR_FIELD_TEXT:
        memcpy(at, &field->default_text, sizeof(field->default_text));
        break;
    case TR_FIELD_NUMBER:
        memcpy(at, &field->default_number, sizeof(field->default_number));
        break;
    case TR_FIELD_INTEGER:
        set_integer(at, field->tr__bytes, field->default_integer);
        break;
    case TR_FIELD_BOOLEAN:
        memcpy(at, &field->default_boolean, sizeof(field->default_boolean));
        break;
    default:
        break;
    }
}

/* What has not come: an error, or its default. */
static bool end_object(parse *p, frame *object)
{
    size_t count = object->of->tr__count;
    uint64_t all = count == 64 ? UINT64_MAX : (UINT64_C(1) << count) - 1;

    tr__scan_close(&p->scan);
    for (uint64_t absent = all & ~object->seen; absent != 0; absent &= absent - 1) {
        const tr_field *field = &object->of->tr__fields[__builtin_ctzll(absent)];

        object->field = field;
        if (!field->required)
            set_default(object, field);
        else if (!note(p, object, object->opened, (tr__finding){ "missing", "is required" }))
            return false;
    }
    pop_frame(p);
    return true;
}

static bool step_object(parse *p, frame *object)
{
    char next = tr__scan_peek(&p->scan);

    if (next == '}' && !object->is_begun)
        return end_object(p, object);
    object->is_begun = true;
    return next == '"' ? step_member(p, object)
                       : tr__scan_refuse(&p->scan, "the name of a member is expected");
}

/* Behind a member. */
static bool go_on(parse *p, frame *object)
{
    if (tr__scan_peek(&p->scan) == '}')
        return end_object(p, object);
    return tr__scan_take(&p->scan, ',', "a comma or } is expected") && step_object(p, object);
}

/* ---- the whole ---- */

/* What is no JSON, or too much of it: one problem more, whichever others there are. */
static int refuse(parse *p)
{
    tr_problem problem = { .where = "", .what = p->scan.wrong };
    int rc = p->rc;

    if (rc < 0)
        return rc;
    problem.kind = p->scan.is_too_deep ? "too_deep" : "syntax";
    tr__scan_place(&p->scan, p->scan.at, &problem.line, &problem.column);
    if (p->problems->count == TR_PROBLEMS_MOST)
        p->problems->list[TR_PROBLEMS_MOST - 1] = problem;
    else
        p->problems->list[p->problems->count++] = problem;
    return p->scan.is_too_deep ? TR_ETOOLARGE : TR_ESYNTAX;
}

static bool parse_body(parse *p, const tr_declaration *declaration, char *out)
{
    if (tr__scan_peek(&p->scan) != '{')
        return skip_other(p, type_names[TR_FIELD_OBJECT]);
    if (!open_object(p, declaration, out))
        return false;
    while (p->top != NULL) {
        frame *top = p->top;
        bool is_well = top->is_list    ? step_list(p, top)
                       : top->is_begun ? go_on(p, top)
                                       : step_object(p, top);

        if (!is_well)
            return false;
    }
    return true;
}

int tr__declared_parse(const tr_declaration *declaration, const char *json, size_t bytes,
                       const tr_json_limits *limits, tr__arena *arena, void *out,
                       tr__problems *problems)
{
    size_t most = limits != NULL && limits->bytes > 0 ? limits->bytes : TR__JSON_BYTES;
    size_t depth = limits != NULL && limits->depth > 0 ? limits->depth : TR__JSON_DEPTH;
    parse p = { .arena = arena, .problems = problems };

    problems->count = 0;
    problems->more = 0;
    if (bytes > most) {
        const char *what = tr__arena_print(arena, "has more than %zu bytes", most);

        return tr__problems_add(problems, (tr_problem){ "", what, "too_large", 1, 1 }) < 0
                   ? TR_ENOMEM
                   : TR_ETOOLARGE;
    }
    tr__scan_init(&p.scan, json, bytes,
                  (unsigned)(depth < TR__JSON_DEPTH ? depth : TR__JSON_DEPTH));
    if (!parse_body(&p, declaration, out) || !tr__scan_end(&p.scan))
        return refuse(&p);
    return problems->count > 0 ? TR_EVALUE : 0;
}
