/* Tokens, extensions, and the handshake's proof. */
#include "http/extension.h"

#include <string.h>
#include <strings.h>

#include "http/base64.h"
#include "net/digest.h"

static bool is_space(char c)
{
    return c == ' ' || c == '\t';
}

bool tr__next_token(const char **list, const char *separators, tr__slice *token)
{
    const char *at = *list;
    size_t bytes;

    while (*at != 0 && (is_space(*at) || strchr(separators, *at) != NULL))
        at++;
    bytes = strcspn(at, separators);
    *list = at + bytes;
    while (bytes > 0 && is_space(at[bytes - 1]))
        bytes--;
    *token = (tr__slice){ at, bytes };
    return bytes > 0;
}

static bool is_same(tr__slice a, tr__slice b)
{
    return a.bytes == b.bytes && strncasecmp(a.at, b.at, a.bytes) == 0;
}

bool tr__tokens_have(const char *list, const char *separators, tr__slice wanted)
{
    tr__slice token;

    while (tr__next_token(&list, separators, &token))
        if (is_same(token, wanted))
            return true;
    return false;
}

/* The next parameter of an offer: name and value, which may be quoted. */
static bool next_parameter(tr__slice *rest, tr__slice *name, tr__slice *value)
{
    const char *end = rest->at + rest->bytes;
    const char *stop = memchr(rest->at, ';', rest->bytes);
    const char *equals;

    if (rest->bytes == 0)
        return false;
    stop = stop != NULL ? stop : end;
    *name = (tr__slice){ rest->at, (size_t)(stop - rest->at) };
    *rest = stop < end ? (tr__slice){ stop + 1, (size_t)(end - stop - 1) } : (tr__slice){ end, 0 };
    equals = memchr(name->at, '=', name->bytes);
    *value = (tr__slice){ NULL, 0 };
    if (equals != NULL) {
        *value = (tr__slice){ equals + 1, (size_t)(name->at + name->bytes - equals - 1) };
        name->bytes = (size_t)(equals - name->at);
        if (value->bytes >= 2 && value->at[0] == '"' && value->at[value->bytes - 1] == '"')
            *value = (tr__slice){ value->at + 1, value->bytes - 2 };
    }
    while (name->bytes > 0 && is_space(name->at[0]))
        *name = (tr__slice){ name->at + 1, name->bytes - 1 };
    while (name->bytes > 0 && is_space(name->at[name->bytes - 1]))
        name->bytes--;
    return true;
}

/* The server's window is always the largest: an offer that asks for a smaller one is not taken. The
 * client's may be any, for ours holds all. */
static bool is_parameter_fine(tr__slice name, tr__slice value)
{
    if (tr__slice_is(name, "server_no_context_takeover") ||
        tr__slice_is(name, "client_no_context_takeover"))
        return value.at == NULL;
    if (tr__slice_is(name, "client_max_window_bits"))
        return true;
    return tr__slice_is(name, "server_max_window_bits") && tr__slice_is(value, "15");
}

static bool is_offer_fine(tr__slice offer)
{
    tr__slice name;
    tr__slice value;

    if (!next_parameter(&offer, &name, &value) || value.at != NULL ||
        !tr__slice_is(name, "permessage-deflate"))
        return false;
    while (next_parameter(&offer, &name, &value))
        if (!is_parameter_fine(name, value))
            return false;
    return true;
}

bool tr__deflate_is_offered(const char *offers)
{
    tr__slice offer;

    while (offers != NULL && tr__next_token(&offers, ",", &offer))
        if (is_offer_fine(offer))
            return true;
    return false;
}

bool tr__deflate_is_taken(const char *taken)
{
    bool keeps_context = true;
    tr__slice offer;
    tr__slice name;
    tr__slice value;

    if (!tr__next_token(&taken, ",", &offer) || !next_parameter(&offer, &name, &value) ||
        !tr__slice_is(name, "permessage-deflate"))
        return false;
    while (next_parameter(&offer, &name, &value)) {
        if (tr__slice_is(name, "server_no_context_takeover"))
            keeps_context = false;
        else if (!tr__slice_is(name, "client_no_context_takeover") &&
                 !tr__slice_is(name, "server_max_window_bits"))
            return false; /* of the client's window nothing was offered */
    }
    return !keeps_context && !tr__next_token(&taken, ",", &offer);
}

bool tr__ws_accept_key(const char *key, char accept[TR__ACCEPT_BYTES + 1])
{
    static const char suffix[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    char text[TR__KEY_BYTES + sizeof(suffix)];
    unsigned char digest[TR__SHA1_BYTES];

    memcpy(text, key, TR__KEY_BYTES);
    memcpy(text + TR__KEY_BYTES, suffix, sizeof(suffix));
    if (tr__digest_sha1(text, sizeof(text) - 1, digest) < 0)
        return false;
    (void)tr__base64_encode((tr__slice){ (const char *)digest, sizeof(digest) }, accept);
    accept[TR__ACCEPT_BYTES] = 0;
    return true;
}
