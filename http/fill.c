/* JSON into declared structs.
 *
 * A frame stands for each list and object that is open, and is declared; the innermost one is
 * worked at. What is not declared, or of another type, is scanned and skipped.
 *
 *   { "tags": [ { "label": ...          frames: body <- tags <- tags[0] (here)
 *
 * A value that is wrong is noted, and the rest goes on; what is no JSON ends it. */
#include "http/fill.h"

/* ---- frames ---- */

static tr__fill_frame *push_frame(tr__fill *p, tr__fill_frame begin)
{
    tr__fill_frame *new = p->spare;

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

static void pop_frame(tr__fill *p)
{
    tr__fill_frame *top = p->top;

    p->top = top->outer;
    top->outer = p->spare;
    p->spare = top;
}

static bool open_object(tr__fill *p, const tr_declaration *of, char *out)
{
    memset(out, 0, of->tr__bytes);
    return push_frame(p, (tr__fill_frame){ .of = of, .out = out }) != NULL &&
           tr__scan_open(&p->scan);
}

static bool open_list(tr__fill *p, const tr_field *field)
{
    tr__fill_frame begin = {
        .of = p->top->of, .field = field, .out = p->top->out, .is_list = true
    };

    begin.item_bytes = field->tr__kind == TR_FIELD_OBJECT ? field->tr__of->tr__bytes : 8;
    return push_frame(p, begin) != NULL && tr__scan_open(&p->scan);
}

/* Memory for lists and objects: `{}` is two bytes, and a struct may be a thousand. NULL: there is
 * no more, or no more is allowed. */
static char *take_memory(tr__fill *p, size_t bytes)
{
    char *block;

    if (bytes > p->memory_left) {
        p->is_too_large = true;
        (void)tr__scan_refuse(&p->scan, "lists and objects take too much memory");
        return NULL;
    }
    p->memory_left -= bytes;
    block = tr__arena_take(p->arena, bytes);
    if (block == NULL)
        p->rc = TR_ENOMEM;
    return block;
}

/* ---- values ---- */

static const char *type_names[] = {
    [TR_FIELD_TEXT] = "must be a string",      [TR_FIELD_NUMBER] = "must be a number",
    [TR_FIELD_INTEGER] = "must be an integer", [TR_FIELD_BOOLEAN] = "must be true or false",
    [TR_FIELD_OBJECT] = "must be an object",
};

/* A value of another type: skipped. */
static bool skip_other(tr__fill *p, const char *wanted)
{
    const char *began = p->scan.at;

    return tr__scan_value(&p->scan) &&
           tr__fill_note(p, p->top, began, (tr__finding){ "type", wanted });
}

static bool fill_object(tr__fill *p, const tr_field *field, char *at)
{
    char *object;

    if (p->top->is_list)
        return open_object(p, field->tr__of, at);
    object = take_memory(p, field->tr__of->tr__bytes);
    if (object == NULL)
        return false;
    memcpy(at, &object, sizeof(object));
    return open_object(p, field->tr__of, object);
}

/* One value of a field's kind, which begins with `first`: filled in, or a frame is open for it. */
static bool fill_value(tr__fill *p, const tr_field *field, char *at, char first)
{
    bool is_number = first == '-' || (first >= '0' && first <= '9');

    switch (field->tr__kind) {
    case TR_FIELD_TEXT:
        if (first == '"')
            return tr__fill_text(p, field, at);
        break;
    case TR_FIELD_NUMBER:
    case TR_FIELD_INTEGER:
        if (is_number)
            return tr__fill_number(p, field, at);
        break;
    case TR_FIELD_BOOLEAN:
        if (first == 't' || first == 'f')
            return tr__fill_boolean(p, at, first == 't');
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
static char *room_for_item(tr__fill *p, tr__fill_frame *list)
{
    size_t bytes = list->item_bytes;

    if (list->count == list->room) {
        size_t room = list->room == 0 ? 4 : 2 * list->room;
        char *items = take_memory(p, room * bytes); /* twice what was allowed at the most */

        if (items == NULL)
            return NULL;
        if (list->count > 0)
            memcpy(items, list->items, list->count * bytes);
        list->items = items;
        list->room = room;
    }
    return memset(list->items + list->count * bytes, 0, bytes);
}

static bool fill_item(tr__fill *p, tr__fill_frame *list, char first)
{
    char *at;

    /* What is too many is told at the end, and takes no memory. */
    if (list->field->max_items > 0 && list->count >= list->field->max_items)
        return tr__scan_value(&p->scan);
    at = room_for_item(p, list);
    return at != NULL && fill_value(p, list->field, at, first);
}

static bool end_list(tr__fill *p, tr__fill_frame *list)
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
        return tr__fill_end_with(p, rc);
    return found.what == NULL || tr__fill_note(p, p->top, list->opened, found);
}

/* count is that of the items that are complete; the innermost frame has come back to this one if it
 * was left for an object. */
static bool step_list(tr__fill *p, tr__fill_frame *list)
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
static const tr_field *field_named(tr__fill_frame *object, const char *name, size_t bytes)
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

static void set_flag(const tr__fill_frame *object, uint32_t at, bool value)
{
    if (at > 0)
        memcpy(object->out + at - 1, &value, sizeof(value));
}

static bool fill_null(tr__fill *p, tr__fill_frame *object, const tr_field *field)
{
    const char *began = p->scan.at;

    if (!tr__scan_word(&p->scan, "null"))
        return false;
    set_flag(object, field->tr__sent_at, true);
    return field->nullable ||
           tr__fill_note(p, object, began, (tr__finding){ "null", "must not be null" });
}

static bool fill_field(tr__fill *p, tr__fill_frame *object, const tr_field *field)
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
static bool skip_member(tr__fill *p, const char *began, const char *name, size_t bytes)
{
    const tr__fill_frame *object = p->top;
    const char *what;

    if (!tr__scan_value(&p->scan))
        return false;
    if (!object->of->tr__refuses_unknown)
        return true;
    what = tr__arena_print(p->arena, "has an unknown member: %.*s", bytes > 80 ? 80 : (int)bytes,
                           name);
    return tr__fill_note(p, object->outer, began, (tr__finding){ "unknown", what });
}

/* Members of a name that is declared may come once. */
static bool begin_member(tr__fill *p, tr__fill_frame *object, const char *began,
                         const tr_field *field)
{
    uint64_t bit = UINT64_C(1) << (field - object->of->tr__fields);

    object->field = field;
    if ((object->seen & bit) != 0)
        return tr__scan_value(&p->scan) &&
               tr__fill_note(p, object, began,
                             (tr__finding){ "duplicate", "must be there only once" });
    object->seen |= bit;
    return fill_field(p, object, field);
}

static bool step_member(tr__fill *p, tr__fill_frame *object)
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
            return tr__fill_end_with(p, TR_ENOMEM);
        bytes = tr__json_unescape(&string, copy);
        name = copy;
    }
    field = string.has_zero ? NULL : field_named(object, name, bytes);
    if (field == NULL)
        return skip_member(p, began, name, bytes);
    return begin_member(p, object, began, field);
}

static void set_default(const tr__fill_frame *object, const tr_field *field)
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
        tr__fill_set_integer(at, field->tr__bytes, field->default_integer);
        break;
    case TR_FIELD_BOOLEAN:
        memcpy(at, &field->default_boolean, sizeof(field->default_boolean));
        break;
    default:
        break;
    }
}

/* What has not come: an error, or its default. */
static bool end_object(tr__fill *p, tr__fill_frame *object)
{
    size_t count = object->of->tr__count;
    uint64_t all = count == 64 ? UINT64_MAX : (UINT64_C(1) << count) - 1;

    tr__scan_close(&p->scan);
    for (uint64_t absent = all & ~object->seen; absent != 0; absent &= absent - 1) {
        const tr_field *field = &object->of->tr__fields[__builtin_ctzll(absent)];

        object->field = field;
        if (!field->required)
            set_default(object, field);
        else if (!tr__fill_note(p, object, object->opened,
                                (tr__finding){ "missing", "is required" }))
            return false;
    }
    pop_frame(p);
    return true;
}

static bool step_object(tr__fill *p, tr__fill_frame *object)
{
    char next = tr__scan_peek(&p->scan);

    if (next == '}' && !object->is_begun)
        return end_object(p, object);
    object->is_begun = true;
    return next == '"' ? step_member(p, object)
                       : tr__scan_refuse(&p->scan, "the name of a member is expected");
}

/* Behind a member. */
static bool go_on(tr__fill *p, tr__fill_frame *object)
{
    if (tr__scan_peek(&p->scan) == '}')
        return end_object(p, object);
    return tr__scan_take(&p->scan, ',', "a comma or } is expected") && step_object(p, object);
}

/* ---- the whole ---- */

/* What is no JSON, or too much of it: one problem more, whichever others there are. */
static int refuse(tr__fill *p)
{
    tr_problem problem = { .where = "", .what = p->scan.wrong };
    int rc = p->rc;

    if (rc < 0)
        return rc;
    problem.kind = p->scan.is_too_deep ? "too_deep" : p->is_too_large ? "too_large" : "syntax";
    tr__scan_place(&p->scan, p->scan.at, &problem.line, &problem.column);
    if (p->problems->count == TR_PROBLEMS_MOST)
        p->problems->list[TR_PROBLEMS_MOST - 1] = problem;
    else
        p->problems->list[p->problems->count++] = problem;
    return p->scan.is_too_deep || p->is_too_large ? TR_ETOOLARGE : TR_ESYNTAX;
}

static bool parse_body(tr__fill *p, const tr_declaration *declaration, char *out)
{
    if (tr__scan_peek(&p->scan) != '{')
        return skip_other(p, type_names[TR_FIELD_OBJECT]);
    if (!open_object(p, declaration, out))
        return false;
    while (p->top != NULL) {
        tr__fill_frame *top = p->top;
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
    tr__fill p = { .arena = arena, .problems = problems };

    p.memory_left = limits != NULL && limits->memory > 0 ? limits->memory : TR__JSON_MEMORY;
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
