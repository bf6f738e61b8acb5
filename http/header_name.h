/* Names and values of headers (RFC 9110, 5.1, 5.5 and 5.6.2), and the well-known names as numbers.
 *
 * Names are compared without regard to case. Each well-known one has a slot of its own in a table,
 * which is computed from its length and four of its letters: one look, and one comparison.
 *
 * Threads: any. */
#ifndef TR_HTTP_HEADER_NAME_H
#define TR_HTTP_HEADER_NAME_H

#include "http/slice.h"

/* X(number, name, slot): the slot is what tr__known_slot makes of the name; a test checks that. */
#define TR__KNOWN_HEADERS(X)                                                                       \
    X(TR__KNOWN_ACCEPT, "accept", 99)                                                              \
    X(TR__KNOWN_ACCEPT_ENCODING, "accept-encoding", 84)                                            \
    X(TR__KNOWN_ACCEPT_LANGUAGE, "accept-language", 5)                                             \
    X(TR__KNOWN_ACCESS_CONTROL_REQUEST_HEADERS, "access-control-request-headers", 56)              \
    X(TR__KNOWN_ACCESS_CONTROL_REQUEST_METHOD, "access-control-request-method", 48)                \
    X(TR__KNOWN_AUTHORIZATION, "authorization", 4)                                                 \
    X(TR__KNOWN_CACHE_CONTROL, "cache-control", 198)                                               \
    X(TR__KNOWN_CONNECTION, "connection", 171)                                                     \
    X(TR__KNOWN_CONTENT_DISPOSITION, "content-disposition", 250)                                   \
    X(TR__KNOWN_CONTENT_ENCODING, "content-encoding", 165)                                         \
    X(TR__KNOWN_CONTENT_LANGUAGE, "content-language", 86)                                          \
    X(TR__KNOWN_CONTENT_LENGTH, "content-length", 251)                                             \
    X(TR__KNOWN_CONTENT_LOCATION, "content-location", 42)                                          \
    X(TR__KNOWN_CONTENT_RANGE, "content-range", 123)                                               \
    X(TR__KNOWN_CONTENT_TYPE, "content-type", 28)                                                  \
    X(TR__KNOWN_COOKIE, "cookie", 63)                                                              \
    X(TR__KNOWN_DATE, "date", 244)                                                                 \
    X(TR__KNOWN_EXPECT, "expect", 57)                                                              \
    X(TR__KNOWN_FORWARDED, "forwarded", 20)                                                        \
    X(TR__KNOWN_FROM, "from", 85)                                                                  \
    X(TR__KNOWN_HOST, "host", 13)                                                                  \
    X(TR__KNOWN_IF_MATCH, "if-match", 103)                                                         \
    X(TR__KNOWN_IF_MODIFIED_SINCE, "if-modified-since", 172)                                       \
    X(TR__KNOWN_IF_NONE_MATCH, "if-none-match", 208)                                               \
    X(TR__KNOWN_IF_RANGE, "if-range", 195)                                                         \
    X(TR__KNOWN_IF_UNMODIFIED_SINCE, "if-unmodified-since", 91)                                    \
    X(TR__KNOWN_KEEP_ALIVE, "keep-alive", 35)                                                      \
    X(TR__KNOWN_LAST_EVENT_ID, "last-event-id", 245)                                               \
    X(TR__KNOWN_MAX_FORWARDS, "max-forwards", 74)                                                  \
    X(TR__KNOWN_ORIGIN, "origin", 223)                                                             \
    X(TR__KNOWN_PRAGMA, "pragma", 235)                                                             \
    X(TR__KNOWN_PRIORITY, "priority", 6)                                                           \
    X(TR__KNOWN_PROXY_AUTHORIZATION, "proxy-authorization", 1)                                     \
    X(TR__KNOWN_PROXY_CONNECTION, "proxy-connection", 196)                                         \
    X(TR__KNOWN_RANGE, "range", 181)                                                               \
    X(TR__KNOWN_REFERER, "referer", 174)                                                           \
    X(TR__KNOWN_SEC_FETCH_DEST, "sec-fetch-dest", 79)                                              \
    X(TR__KNOWN_SEC_FETCH_MODE, "sec-fetch-mode", 69)                                              \
    X(TR__KNOWN_SEC_FETCH_SITE, "sec-fetch-site", 101)                                             \
    X(TR__KNOWN_SEC_WEBSOCKET_ACCEPT, "sec-websocket-accept", 7)                                   \
    X(TR__KNOWN_SEC_WEBSOCKET_EXTENSIONS, "sec-websocket-extensions", 188)                         \
    X(TR__KNOWN_SEC_WEBSOCKET_KEY, "sec-websocket-key", 246)                                       \
    X(TR__KNOWN_SEC_WEBSOCKET_PROTOCOL, "sec-websocket-protocol", 209)                             \
    X(TR__KNOWN_SEC_WEBSOCKET_VERSION, "sec-websocket-version", 30)                                \
    X(TR__KNOWN_TE, "te", 83)                                                                      \
    X(TR__KNOWN_TRACEPARENT, "traceparent", 135)                                                   \
    X(TR__KNOWN_TRACESTATE, "tracestate", 9)                                                       \
    X(TR__KNOWN_TRAILER, "trailer", 162)                                                           \
    X(TR__KNOWN_TRANSFER_ENCODING, "transfer-encoding", 166)                                       \
    X(TR__KNOWN_UPGRADE, "upgrade", 109)                                                           \
    X(TR__KNOWN_UPGRADE_INSECURE_REQUESTS, "upgrade-insecure-requests", 248)                       \
    X(TR__KNOWN_USER_AGENT, "user-agent", 159)                                                     \
    X(TR__KNOWN_VIA, "via", 178)                                                                   \
    X(TR__KNOWN_X_FORWARDED_FOR, "x-forwarded-for", 183)                                           \
    X(TR__KNOWN_X_FORWARDED_HOST, "x-forwarded-host", 58)                                          \
    X(TR__KNOWN_X_FORWARDED_PROTO, "x-forwarded-proto", 217)                                       \
    X(TR__KNOWN_X_REAL_IP, "x-real-ip", 60)                                                        \
    X(TR__KNOWN_X_REQUEST_ID, "x-request-id", 179)

typedef enum tr__known {
    TR__KNOWN_NONE,
#define TR__KNOWN_CONSTANT(number, name, slot) number,
    TR__KNOWN_HEADERS(TR__KNOWN_CONSTANT)
#undef TR__KNOWN_CONSTANT
        TR__KNOWN_COUNT
} tr__known;

/* Which one it is; TR__KNOWN_NONE: no well-known one. */
tr__known tr__header_known(tr__slice name);
/* Of a name of at least two bytes. */
static inline uint8_t tr__known_slot(tr__slice name)
{
    const unsigned char *at = (const unsigned char *)name.at;
    size_t n = name.bytes;

    return (uint8_t)(n * 33U + (at[0] | 32U) * 24U + (at[n - 1] | 32U) * 36U +
                     (at[n - 2] | 32U) * 50U + (at[n / 2] | 32U) * 49U);
}

/* A token: at least one byte, and only what RFC 9110 allows in one. */
bool tr__is_token(tr__slice text);
bool tr__is_token_byte(char c);
static inline bool tr__header_name_is_valid(tr__slice name)
{
    return tr__is_token(name);
}

/* No control character but the tab: so no end of a line, and no 0. Bytes above 127 are let pass. */
bool tr__header_value_is_valid(tr__slice value);

#endif
