/* JSON as a tree of jansson's.
 *
 * jansson calls itself for each level: so the text is scanned first, which bounds its depth, and
 * tells what is no JSON. What jansson refuses then is JSON, but nothing that it can hold. */
#include <troupe/json.h>

#include <jansson.h>
#include <stdio.h>

#include "http/declare.h"

static int refuse(tr_json_fault *fault, const tr__scan *scan, const char *at, const char *what,
                  int rc)
{
    if (fault == NULL)
        return rc;
    tr__scan_place(scan, at, &fault->line, &fault->column);
    (void)snprintf(fault->what, sizeof(fault->what), "%s", what); /* it may be cut */
    return rc;
}

/* jansson's position is behind what it refuses. */
static int refuse_value(tr_json_fault *fault, const tr__scan *scan, size_t bytes,
                        const json_error_t *error)
{
    size_t position = error->position > 0 ? (size_t)error->position : 0;

    if (json_error_code(error) == json_error_out_of_memory)
        return TR_ENOMEM;
    return refuse(fault, scan, scan->start + (position < bytes ? position : bytes), error->text,
                  TR_EVALUE);
}

static bool is_in_limits(const tr_json_limits *limits)
{
    return limits == NULL || limits->depth <= TR__JSON_DEPTH;
}

int tr_json_parse(struct json_t **out, const char *json, size_t bytes, const tr_json_limits *limits,
                  tr_json_fault *fault)
{
    size_t most = limits != NULL && limits->bytes > 0 ? limits->bytes : TR__JSON_BYTES;
    size_t depth = limits != NULL && limits->depth > 0 ? limits->depth : TR__JSON_DEPTH;
    json_error_t error;
    tr__scan scan;

    if (out == NULL)
        return TR_EINVAL;
    *out = NULL;
    if (json == NULL || !is_in_limits(limits))
        return TR_EINVAL;
    tr__scan_init(&scan, json, bytes, (unsigned)depth);
    if (bytes > most)
        return refuse(fault, &scan, json, "has too many bytes", TR_ETOOLARGE);
    if (!tr__scan_value(&scan) || !tr__scan_end(&scan))
        return refuse(fault, &scan, scan.at, scan.wrong,
                      scan.is_too_deep ? TR_ETOOLARGE : TR_ESYNTAX);
    *out = json_loadb(json, bytes, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
    return *out != NULL ? 0 : refuse_value(fault, &scan, bytes, &error);
}
