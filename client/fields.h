/* Header fields that a program gives, as "Name: value".
 *
 * Threads: any. */
#ifndef TR_CLIENT_FIELDS_H
#define TR_CLIENT_FIELDS_H

#include "client/client.h"
#include "http/header_name.h"

/* Take one apart. false: its name is no token, or its value has a control character, so that more
 * than this header would be sent; or it says how the message is framed, or what becomes of the
 * connection, which is the client's business. */
bool tr__client_line_parse(const char *text, tr__client_line *out);

/* Whether a name stands among them. */
bool tr__client_lines_have(const tr__client_line *lines, size_t count, const char *name);

#endif
