/* Media types. */
#include "http/mime.h"

#include <troupe/core.h>

#include "http/header_name.h"

/* ---- files ---- */

typedef struct extension {
    const char *name;
    const char *type;
} extension;

/* In order. */
static const extension extensions[] = {
    { "7z", "application/x-7z-compressed" },
    { "aac", "audio/aac" },
    { "apng", "image/apng" },
    { "avi", "video/x-msvideo" },
    { "avif", "image/avif" },
    { "bin", "application/octet-stream" },
    { "bmp", "image/bmp" },
    { "bz2", "application/x-bzip2" },
    { "cjs", "text/javascript; charset=utf-8" },
    { "css", "text/css; charset=utf-8" },
    { "csv", "text/csv; charset=utf-8" },
    { "deb", "application/vnd.debian.binary-package" },
    { "doc", "application/msword" },
    { "docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document" },
    { "eot", "application/vnd.ms-fontobject" },
    { "epub", "application/epub+zip" },
    { "flac", "audio/flac" },
    { "geojson", "application/geo+json" },
    { "gif", "image/gif" },
    { "gpx", "application/gpx+xml" },
    { "gz", "application/gzip" },
    { "heic", "image/heic" },
    { "htm", "text/html; charset=utf-8" },
    { "html", "text/html; charset=utf-8" },
    { "ico", "image/vnd.microsoft.icon" },
    { "ics", "text/calendar; charset=utf-8" },
    { "jar", "application/java-archive" },
    { "jpeg", "image/jpeg" },
    { "jpg", "image/jpeg" },
    { "js", "text/javascript; charset=utf-8" },
    { "json", "application/json" },
    { "jsonld", "application/ld+json" },
    { "jxl", "image/jxl" },
    { "log", "text/plain; charset=utf-8" },
    { "m4a", "audio/mp4" },
    { "m4v", "video/mp4" },
    { "map", "application/json" },
    { "markdown", "text/markdown; charset=utf-8" },
    { "md", "text/markdown; charset=utf-8" },
    { "mid", "audio/midi" },
    { "midi", "audio/midi" },
    { "mjs", "text/javascript; charset=utf-8" },
    { "mov", "video/quicktime" },
    { "mp3", "audio/mpeg" },
    { "mp4", "video/mp4" },
    { "mpeg", "video/mpeg" },
    { "ndjson", "application/x-ndjson" },
    { "odp", "application/vnd.oasis.opendocument.presentation" },
    { "ods", "application/vnd.oasis.opendocument.spreadsheet" },
    { "odt", "application/vnd.oasis.opendocument.text" },
    { "oga", "audio/ogg" },
    { "ogg", "audio/ogg" },
    { "ogv", "video/ogg" },
    { "opus", "audio/ogg" },
    { "otf", "font/otf" },
    { "pdf", "application/pdf" },
    { "pem", "application/x-pem-file" },
    { "png", "image/png" },
    { "ppt", "application/vnd.ms-powerpoint" },
    { "pptx", "application/vnd.openxmlformats-officedocument.presentationml.presentation" },
    { "rss", "application/rss+xml" },
    { "rtf", "application/rtf" },
    { "sh", "application/x-sh" },
    { "sql", "application/sql" },
    { "svg", "image/svg+xml" },
    { "svgz", "image/svg+xml" },
    { "tar", "application/x-tar" },
    { "text", "text/plain; charset=utf-8" },
    { "tif", "image/tiff" },
    { "tiff", "image/tiff" },
    { "ts", "video/mp2t" },
    { "tsv", "text/tab-separated-values; charset=utf-8" },
    { "ttf", "font/ttf" },
    { "txt", "text/plain; charset=utf-8" },
    { "vcf", "text/vcard; charset=utf-8" },
    { "vtt", "text/vtt; charset=utf-8" },
    { "wasm", "application/wasm" },
    { "wav", "audio/wav" },
    { "weba", "audio/webm" },
    { "webm", "video/webm" },
    { "webmanifest", "application/manifest+json" },
    { "webp", "image/webp" },
    { "woff", "font/woff" },
    { "woff2", "font/woff2" },
    { "xhtml", "application/xhtml+xml" },
    { "xls", "application/vnd.ms-excel" },
    { "xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet" },
    { "xml", "application/xml" },
    { "xz", "application/x-xz" },
    { "yaml", "application/yaml" },
    { "yml", "application/yaml" },
    { "zip", "application/zip" },
    { "zst", "application/zstd" },
};

static int compare_ignoring_case(tr__slice a, const char *b)
{
    size_t bytes = strlen(b);

    for (size_t i = 0; i < a.bytes && i < bytes; i++)
        if (tr__lower(a.at[i]) != b[i])
            return tr__lower(a.at[i]) < b[i] ? -1 : 1;
    return a.bytes == bytes ? 0 : a.bytes < bytes ? -1 : 1;
}

/* Behind the last dot of the last segment; empty: there is none. */
static tr__slice extension_of(tr__slice name)
{
    for (size_t i = name.bytes; i-- > 0 && name.at[i] != '/';)
        if (name.at[i] == '.')
            return tr__slice_tail(name, i + 1);
    return (tr__slice){ NULL, 0 };
}

const char *tr__mime_of_file(tr__slice name)
{
    tr__slice it = extension_of(name);
    size_t begin = 0;
    size_t end = sizeof(extensions) / sizeof(extensions[0]);

    while (begin < end) {
        size_t middle = begin + (end - begin) / 2;
        int order = compare_ignoring_case(it, extensions[middle].name);

        if (order == 0)
            return extensions[middle].type;
        if (order < 0)
            end = middle;
        else
            begin = middle + 1;
    }
    return "application/octet-stream";
}

/* ---- parameters ---- */

static tr__slice take_token(tr__slice *rest)
{
    size_t bytes = 0;

    while (bytes < rest->bytes && tr__is_token_byte(rest->at[bytes]))
        bytes++;
    *rest = tr__slice_tail(*rest, bytes);
    return (tr__slice){ rest->at - bytes, bytes };
}

/* Behind the first quote. false: there is no last one. */
static bool take_quoted(tr__slice *rest, tr__slice *value)
{
    size_t bytes = 0;

    while (bytes < rest->bytes && rest->at[bytes] != '"')
        bytes += rest->at[bytes] == '\\' ? 2 : 1;
    if (bytes >= rest->bytes)
        return false;
    *value = tr__slice_head(*rest, bytes);
    *rest = tr__slice_tail(*rest, bytes + 1);
    return tr__header_value_is_valid(*value);
}

int tr__parameter_next(tr__slice *rest, tr__parameter *out)
{
    do { /* empty ones are none */
        *rest = tr__slice_trim(*rest);
        if (rest->bytes == 0)
            return 0;
        if (rest->at[0] != ';')
            return TR_ESYNTAX;
        *rest = tr__slice_trim(tr__slice_tail(*rest, 1));
    } while (rest->bytes == 0 || rest->at[0] == ';');
    out->name = take_token(rest);
    if (out->name.bytes == 0 || rest->bytes == 0 || rest->at[0] != '=')
        return TR_ESYNTAX;
    *rest = tr__slice_tail(*rest, 1);
    out->is_quoted = rest->bytes > 0 && rest->at[0] == '"';
    if (out->is_quoted) {
        *rest = tr__slice_tail(*rest, 1);
        return take_quoted(rest, &out->value) ? 1 : TR_ESYNTAX;
    }
    out->value = take_token(rest);
    return out->value.bytes > 0 ? 1 : TR_ESYNTAX;
}

int tr__parameter_decode(const tr__parameter *parameter, char *out, size_t capacity)
{
    tr__slice value = parameter->value;
    size_t bytes = 0;

    for (size_t i = 0; i < value.bytes; i++) {
        if (parameter->is_quoted && value.at[i] == '\\' && i + 1 < value.bytes)
            i++;
        if (bytes == capacity)
            return TR_ETOOLARGE;
        out[bytes++] = value.at[i];
    }
    return (int)bytes;
}

/* ---- Content-Type ---- */

bool tr__media_type_parse(tr__slice text, tr__media_type *out)
{
    text = tr__slice_trim(text);
    if (text.bytes == 0)
        return false;
    out->type = take_token(&text);
    if (out->type.bytes == 0 || text.bytes == 0 || text.at[0] != '/')
        return false;
    text = tr__slice_tail(text, 1);
    if (text.bytes == 0)
        return false;
    out->subtype = take_token(&text);
    out->parameters = tr__slice_trim(text);
    return out->subtype.bytes > 0 && (out->parameters.bytes == 0 || out->parameters.at[0] == ';');
}

bool tr__media_type_is(const tr__media_type *media, const char *type, const char *subtype)
{
    return tr__slice_is_ignoring_case(media->type, type) &&
           tr__slice_is_ignoring_case(media->subtype, subtype);
}

int tr__media_type_parameter(const tr__media_type *media, const char *name, char *out,
                             size_t capacity)
{
    tr__slice rest = media->parameters;
    tr__parameter it;
    int bytes = TR_ENOENT;
    int rc;

    while ((rc = tr__parameter_next(&rest, &it)) > 0) {
        if (!tr__slice_is_ignoring_case(it.name, name))
            continue;
        if (bytes != TR_ENOENT)
            return TR_ESYNTAX;
        bytes = tr__parameter_decode(&it, out, capacity);
        if (bytes < 0 || (size_t)bytes == capacity)
            return TR_ETOOLARGE;
        out[bytes] = 0;
    }
    return rc < 0 ? rc : bytes;
}
