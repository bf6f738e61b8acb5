/* Content negotiation. */
#include "http/negotiate.h"

#include "http/header_name.h"
#include "http/mime.h"

enum { BEST = 1000 };

/* "0", "0.25", "1", "1.000", in thousandths; 0: it is none. */
static int quality_of(tr__slice text)
{
    int quality = 0;
    int unit = BEST / 10;

    if (text.bytes == 0 || text.bytes > 5 || (text.at[0] != '0' && text.at[0] != '1') ||
        (text.bytes > 1 && text.at[1] != '.'))
        return 0;
    quality = (text.at[0] - '0') * BEST;
    for (size_t i = 2; i < text.bytes; i++, unit /= 10) {
        if (!tr__is_digit(text.at[i]))
            return 0;
        quality += (text.at[i] - '0') * unit;
    }
    return quality <= BEST ? quality : 0;
}

/* An element of a list: what it names, and how much it is liked. */
typedef struct element {
    tr__slice what;
    size_t parameters; /* besides q */
    int quality;
} element;

/* The end of an element: a comma that is not quoted. */
static size_t measure(tr__slice text)
{
    bool is_quoted = false;
    size_t i;

    for (i = 0; i < text.bytes; i++) {
        if (text.at[i] == ',' && !is_quoted)
            break;
        if (text.at[i] == '"')
            is_quoted = !is_quoted;
        else if (text.at[i] == '\\' && is_quoted && i + 1 < text.bytes)
            i++;
    }
    return i;
}

/* A token, or two with a '/'. */
static bool is_range(tr__slice text)
{
    size_t at = tr__slice_index(text, '/');

    return tr__is_token(tr__slice_head(text, at)) &&
           (at == text.bytes || tr__is_token(tr__slice_tail(text, at + 1)));
}

static bool read_element(tr__slice text, element *out)
{
    size_t at = tr__slice_index(text, ';');
    tr__slice rest = tr__slice_tail(text, at);
    tr__parameter it;
    int rc;

    *out = (element){ .what = tr__slice_trim(tr__slice_head(text, at)), .quality = BEST };
    while ((rc = tr__parameter_next(&rest, &it)) > 0) {
        if (tr__slice_is_ignoring_case(it.name, "q"))
            out->quality = quality_of(it.value);
        else
            out->parameters++;
    }
    return rc == 0 && is_range(out->what);
}

/* Take the next well-formed element off. */
static bool take_element(tr__slice *rest, element *out)
{
    while (rest->bytes > 0) {
        size_t bytes = measure(*rest);
        tr__slice text = tr__slice_head(*rest, bytes);

        *rest = tr__slice_tail(*rest, bytes < rest->bytes ? bytes + 1 : bytes);
        if (read_element(text, out))
            return true;
    }
    return false;
}

/* How exactly a range means a type: 3 it names it, 2 its subtypes, 1 all; 0 it does not. One with
 * parameters means something else than the type alone. */
static int specificity(const element *range, tr__slice type)
{
    size_t slash = tr__slice_index(type, '/');

    if (range->parameters > 0)
        return 0;
    if (tr__slice_is(range->what, "*/*"))
        return 1;
    if (tr__slice_equals_ignoring_case(range->what, type))
        return 3;
    return range->what.bytes == slash + 2 && range->what.at[slash + 1] == '*' &&
                   range->what.at[slash] == '/' &&
                   tr__slice_equals_ignoring_case(tr__slice_head(range->what, slash),
                                                  tr__slice_head(type, slash))
               ? 2
               : 0;
}

int tr__accept_quality(tr__slice accept, const char *type)
{
    tr__slice rest = accept;
    tr__slice wanted = tr__slice_of(type);
    int best = 0;
    int quality = 0;
    bool is_any = true;
    element it;

    wanted = tr__slice_trim(tr__slice_head(wanted, tr__slice_index(wanted, ';')));
    while (take_element(&rest, &it)) {
        int how = specificity(&it, wanted);

        is_any = false;
        if (how > best || (how == best && how > 0 && it.quality > quality)) {
            best = how;
            quality = it.quality;
        }
    }
    return is_any ? BEST : quality;
}

int tr__accept_encoding_quality(tr__slice accept, const char *coding)
{
    bool is_identity = tr__slice_is_ignoring_case(tr__slice_of(coding), "identity");
    int others = is_identity ? 1 : 0; /* unless it is said, the least that is more than nothing */
    int quality = -1;
    element it;

    while (take_element(&accept, &it)) {
        if (tr__slice_is(it.what, "*")) {
            if (!is_identity || it.quality == 0)
                others = it.quality;
        } else if (tr__slice_is_ignoring_case(it.what, coding) && it.quality > quality) {
            quality = it.quality;
        }
    }
    return quality >= 0 ? quality : others;
}

static int choose(tr__slice accept, const char *const *offers, int count,
                  int (*judge)(tr__slice accept, const char *offer))
{
    int best = 0;
    int chosen = -1;

    for (int i = 0; i < count; i++) {
        int quality = judge(accept, offers[i]);

        if (quality > best) {
            best = quality;
            chosen = i;
        }
    }
    return chosen;
}

int tr__accept_choose(tr__slice accept, const char *const *offers, int count)
{
    return choose(accept, offers, count, tr__accept_quality);
}

int tr__accept_encoding_choose(tr__slice accept, const char *const *offers, int count)
{
    return choose(accept, offers, count, tr__accept_encoding_quality);
}
