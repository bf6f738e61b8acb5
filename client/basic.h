/* Basic authentication (RFC 7617), as who asks writes it.
 *
 * Threads: any. */
#ifndef TR_CLIENT_BASIC_H
#define TR_CLIENT_BASIC_H

/* "Basic ..." of a user, who has no ':' in his name, and a password.
 * Ownership: the text is the caller's.
 * Errors:    TR_EINVAL; TR_ENOMEM. */
int tr__basic_make(char **out, const char *user, const char *password);

#endif
