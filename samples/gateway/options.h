/* What the gateway is to do: by the command line, or by a file of JSON. */
#ifndef GATEWAY_OPTIONS_H
#define GATEWAY_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { UPSTREAMS_MOST = 64 }; /* of a route: who was tried is a set of bits */

/* Of a route, as a file has it: {"prefix": "/api", "upstreams": ["http://127.0.0.1:9001"]}. */
struct route_options {
    char *prefix;
    char **upstreams;
    size_t upstreams_count;
};

struct options {
    char *listen;
    struct route_options *routes;
    size_t routes_count;
    bool least; /* who has the fewest requests under way is next; else it goes round */
    double connect_timeout;
    double answer_timeout; /* to the head of the answer */
    double idle_timeout;   /* without a byte, of either side */
    int64_t failures;      /* in a row that open a breaker */
    double open_for;
    char *health; /* a path that upstreams are asked for now and then; NULL: they are not */
    double health_interval;
    struct tr_parsed *file; /* owns the texts that come from --config */
};

/* Read the command line, and the file that it names. For --help, --version and mistakes, it says
 * what there is to say and ends the program. What it has allocated lasts as long as that. */
void options_read(struct options *o, int argc, char **argv);

#endif
