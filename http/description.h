/* The description of a server: /openapi.json, and /docs. Only of one that has a title. */
#ifndef TR_HTTP_DESCRIPTION_H
#define TR_HTTP_DESCRIPTION_H

#include "http/server.h"

/* Before any other route: so that the program can't take their places unawares. */
int tr__description_add_routes(tr_http_server *srv);
/* When all routes are known. */
int tr__description_prepare(tr_http_server *srv);

#endif
