/* multipart/form-data. */
#include "http/multipart.h"

#include <troupe/core.h>

#include "http/header_name.h"
#include "http/mime.h"

/* ---- the boundary ---- */

static bool is_boundary_byte(char c)
{
    return tr__is_alpha(c) || tr__is_digit(c) || (c != 0 && strchr("'()+_,-./:=? ", c) != NULL);
}

static bool is_boundary(tr__slice boundary)
{
    if (boundary.bytes == 0 || boundary.bytes > TR__BOUNDARY_BYTES)
        return false;
    for (size_t i = 0; i < boundary.bytes; i++)
        if (!is_boundary_byte(boundary.at[i]))
            return false;
    return boundary.at[boundary.bytes - 1] != ' ';
}

int tr__multipart_init(tr__multipart *multipart, tr__slice boundary, size_t parts_most,
                       const tr__multipart_events *events, void *context)
{
    if (!is_boundary(boundary))
        return TR_ESYNTAX;
    multipart->events = events;
    multipart->context = context;
    multipart->parts_left = parts_most;
    multipart->state = TR__MULTIPART_PREAMBLE;
    multipart->error = 0;
    multipart->matched = 2; /* the first one may stand at the very begin */
    multipart->delimiter_bytes = 4 + boundary.bytes;
    multipart->head_bytes = 0;
    memcpy(multipart->delimiter, "\r\n--", 4);
    memcpy(multipart->delimiter + 4, boundary.at, boundary.bytes);
    return 0;
}

/* ---- heads ---- */

/* Decode a name where it stands. */
static tr__slice decode_name(const tr__parameter *parameter, char *out)
{
    tr__slice from = parameter->value;
    size_t bytes = 0;

    while (from.bytes > 0) {
        size_t taken = 1;
        char c = from.at[0];

        if (parameter->is_quoted && c == '\\' && from.bytes > 1 &&
            (from.at[1] == '"' || from.at[1] == '\\')) {
            c = from.at[1];
            taken = 2;
        } else if (c == '%' && from.bytes > 2) {
            tr__slice code = tr__slice_head(from, 3);

            taken = 3;
            if (tr__slice_is(code, "%22"))
                c = '"';
            else if (tr__slice_is_ignoring_case(code, "%0d"))
                c = '\r';
            else if (tr__slice_is_ignoring_case(code, "%0a"))
                c = '\n';
            else
                taken = 1;
        }
        out[bytes++] = c;
        from = tr__slice_tail(from, taken);
    }
    return (tr__slice){ out, bytes };
}

/* The place of a piece of the head, to be written to. */
static char *place_of(tr__multipart *multipart, tr__slice piece)
{
    return multipart->head + (piece.at - multipart->head);
}

static int read_disposition(tr__multipart *multipart, tr__slice value, tr__part *part)
{
    size_t at = tr__slice_index(value, ';');
    tr__slice rest = tr__slice_tail(value, at);
    tr__parameter it;
    int rc;

    if (part->name.at != NULL ||
        !tr__slice_is_ignoring_case(tr__slice_trim(tr__slice_head(value, at)), "form-data"))
        return TR_ESYNTAX;
    while ((rc = tr__parameter_next(&rest, &it)) > 0) {
        tr__slice *to = NULL;

        if (tr__slice_is_ignoring_case(it.name, "name"))
            to = &part->name;
        else if (tr__slice_is_ignoring_case(it.name, "filename"))
            to = &part->filename;
        else if (tr__slice_is_ignoring_case(it.name, "filename*"))
            return TR_ESYNTAX;
        if (to == NULL)
            continue;
        if (to->at != NULL)
            return TR_ESYNTAX;
        *to = decode_name(&it, place_of(multipart, it.value));
    }
    return rc < 0 || part->name.at == NULL ? TR_ESYNTAX : 0;
}

/* Other encodings than none were deprecated, and no browser sends them. */
static bool is_plain_encoding(tr__slice value)
{
    return tr__slice_is_ignoring_case(value, "binary") ||
           tr__slice_is_ignoring_case(value, "8bit") || tr__slice_is_ignoring_case(value, "7bit");
}

static int read_line(tr__multipart *multipart, tr__slice line, tr__part *part)
{
    size_t at = tr__slice_index(line, ':');
    tr__slice name = tr__slice_head(line, at);
    tr__slice value;

    if (at == line.bytes || !tr__header_name_is_valid(name))
        return TR_ESYNTAX;
    value = tr__slice_trim(tr__slice_tail(line, at + 1));
    if (!tr__header_value_is_valid(value))
        return TR_ESYNTAX;
    if (tr__slice_is_ignoring_case(name, "content-disposition"))
        return read_disposition(multipart, value, part);
    if (tr__slice_is_ignoring_case(name, "content-transfer-encoding"))
        return is_plain_encoding(value) ? 0 : TR_ESYNTAX;
    if (!tr__slice_is_ignoring_case(name, "content-type"))
        return 0;
    if (part->type.at != NULL)
        return TR_ESYNTAX;
    part->type = value;
    return 0;
}

/* The head is complete: lines, each with its end, and an empty one. */
static int begin_part(tr__multipart *multipart)
{
    tr__slice rest = { multipart->head, multipart->head_bytes - 2 };
    tr__part part = { 0 };
    int rc = 0;

    while (rc == 0 && rest.bytes > 0) {
        size_t bytes = tr__slice_index(rest, '\n');

        /* Each '\n' that a line may hold has a '\r' before it; other '\r' make it invalid. */
        if (bytes == 0 || rest.at[bytes - 1] != '\r')
            return TR_ESYNTAX;
        rc = read_line(multipart, tr__slice_head(rest, bytes - 1), &part);
        rest = tr__slice_tail(rest, bytes + 1);
    }
    if (rc < 0)
        return rc;
    if (part.name.at == NULL)
        return TR_ESYNTAX;
    if (multipart->parts_left == 0)
        return TR_ETOOLARGE;
    multipart->parts_left--;
    multipart->state = TR__MULTIPART_DATA;
    multipart->matched = 0;
    return multipart->events->begin(multipart->context, &part);
}

static bool ends_with(const tr__multipart *multipart, const char *text, size_t bytes)
{
    return multipart->head_bytes >= bytes &&
           memcmp(multipart->head + multipart->head_bytes - bytes, text, bytes) == 0;
}

/* Take bytes up to the end of a line. */
static int feed_head(tr__multipart *multipart, tr__slice *rest)
{
    size_t bytes = tr__slice_index(*rest, '\n');

    bytes += bytes < rest->bytes;
    if (bytes > sizeof(multipart->head) - multipart->head_bytes)
        return TR_ETOOLARGE;
    memcpy(multipart->head + multipart->head_bytes, rest->at, bytes);
    multipart->head_bytes += bytes;
    *rest = tr__slice_tail(*rest, bytes);
    if (ends_with(multipart, "\r\n\r\n", 4) ||
        (multipart->head_bytes == 2 && ends_with(multipart, "\r\n", 2)))
        return begin_part(multipart);
    return 0;
}

/* ---- data ---- */

static int emit(const tr__multipart *multipart, const char *at, size_t bytes)
{
    if (multipart->state == TR__MULTIPART_PREAMBLE || bytes == 0)
        return 0;
    return multipart->events->data(multipart->context, at, bytes);
}

/* The delimiter is complete. */
static int end_data(tr__multipart *multipart)
{
    bool is_part = multipart->state == TR__MULTIPART_DATA;

    multipart->state = TR__MULTIPART_BEHIND;
    return is_part ? multipart->events->end(multipart->context) : 0;
}

/* What has come may be the begin of a delimiter: whether it goes on. A '\r' stands nowhere in it
 * but at its begin, so nothing else in what has come can be one. */
static int feed_delimiter(tr__multipart *multipart, tr__slice *rest)
{
    size_t matched;

    while (rest->bytes > 0 && rest->at[0] == multipart->delimiter[multipart->matched]) {
        *rest = tr__slice_tail(*rest, 1);
        if (++multipart->matched == multipart->delimiter_bytes)
            return end_data(multipart);
    }
    if (rest->bytes == 0)
        return 0;
    matched = multipart->matched;
    multipart->matched = 0;
    return emit(multipart, multipart->delimiter, matched);
}

static int feed_data(tr__multipart *multipart, tr__slice *rest)
{
    size_t bytes;
    int rc;

    if (multipart->matched > 0)
        return feed_delimiter(multipart, rest);
    bytes = tr__slice_index(*rest, '\r');
    rc = emit(multipart, rest->at, bytes);
    if (bytes < rest->bytes) {
        multipart->matched = 1;
        bytes++;
    }
    *rest = tr__slice_tail(*rest, bytes);
    return rc;
}

/* ---- all ---- */

/* A byte behind a delimiter, on its line. */
static int feed_line(tr__multipart *multipart, char c)
{
    tr__multipart_state *state = &multipart->state;

    if (*state == TR__MULTIPART_DASH && c == '-')
        *state = TR__MULTIPART_EPILOGUE;
    else if (*state == TR__MULTIPART_BEHIND && c == '-')
        *state = TR__MULTIPART_DASH;
    else if (*state == TR__MULTIPART_NEWLINE && c == '\n')
        *state = TR__MULTIPART_HEAD;
    else if (*state == TR__MULTIPART_NEWLINE || *state == TR__MULTIPART_DASH)
        return TR_ESYNTAX;
    else if (c == '\r')
        *state = TR__MULTIPART_NEWLINE;
    else if (tr__is_blank(c))
        *state = TR__MULTIPART_PADDING;
    else
        return TR_ESYNTAX;
    multipart->head_bytes = 0;
    return 0;
}

static int feed_some(tr__multipart *multipart, tr__slice *rest)
{
    char c;

    switch (multipart->state) {
    case TR__MULTIPART_PREAMBLE:
    case TR__MULTIPART_DATA:
        return feed_data(multipart, rest);
    case TR__MULTIPART_HEAD:
        return feed_head(multipart, rest);
    case TR__MULTIPART_EPILOGUE:
        rest->bytes = 0;
        return 0;
    default:
        c = rest->at[0];
        *rest = tr__slice_tail(*rest, 1);
        return feed_line(multipart, c);
    }
}

int tr__multipart_feed(tr__multipart *multipart, const char *at, size_t bytes)
{
    tr__slice rest = { at, bytes };

    while (multipart->error == 0 && rest.bytes > 0) {
        int rc = feed_some(multipart, &rest);

        multipart->error = rc < 0 ? rc : 0;
    }
    return multipart->error;
}

int tr__multipart_end(const tr__multipart *multipart)
{
    if (multipart->error != 0)
        return multipart->error;
    return multipart->state == TR__MULTIPART_EPILOGUE ? 0 : TR_ESYNTAX;
}
