/* See options.h. */
#include "options.h"

#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <troupe/declare.h>

enum { EXIT_USAGE = 2, FILE_MOST = 1 << 20, ROUTES_MOST = 100 };
enum {
    OPTION_VERSION = 256,
    OPTION_BALANCE,
    OPTION_CONNECT,
    OPTION_ANSWER,
    OPTION_IDLE,
    OPTION_FAILURES,
    OPTION_OPEN,
    OPTION_HEALTH,
    OPTION_INTERVAL
};

TR_DECLARE_STRICT(route_options, TR_TEXT(route_options, prefix, .required = true, .pattern = "^/"),
                  TR_TEXTS(route_options, upstreams, .required = true, .min_items = 1,
                           .max_items = UPSTREAMS_MOST));
TR_DECLARE_STRICT(options, TR_TEXT(options, listen),
                  TR_ITEMS(options, routes, route_options, .max_items = ROUTES_MOST),
                  TR_BOOLEAN(options, least), TR_NUMBER(options, connect_timeout, TR_MORE_THAN(0)),
                  TR_NUMBER(options, answer_timeout, TR_MORE_THAN(0)),
                  TR_NUMBER(options, idle_timeout, TR_MORE_THAN(0)),
                  TR_INTEGER(options, failures, TR_AT_LEAST(1), TR_AT_MOST(1000000)),
                  TR_NUMBER(options, open_for, TR_MORE_THAN(0)), TR_TEXT(options, health),
                  TR_NUMBER(options, health_interval, TR_MORE_THAN(0)));

static const char usage[] =
    "Usage: gateway [OPTION]... [ADDRESS] PREFIX=URL[,URL]...\n"
    "A reverse proxy: a request goes to one of the upstreams of the longest PREFIX that its\n"
    "path begins with, in whole segments. \"/api=http://127.0.0.1:9001\" asks that upstream\n"
    "for /api/x; where the URL has a path, \"/api=http://127.0.0.1:9001/v1\", that takes the\n"
    "place of the prefix: /v1/x. ADDRESS is 127.0.0.1:8080 by default.\n"
    "\n"
    "  -c, --config FILE         JSON: {\"listen\": \"127.0.0.1:8080\", \"routes\":\n"
    "                            [{\"prefix\": \"/api\", \"upstreams\": [\"http://...\"]}],\n"
    "                            \"least\": true, \"answer_timeout\": 30, ...}\n"
    "      --balance WAY         round-robin (default), or least: who has the fewest\n"
    "                            requests under way\n"
    "      --connect-timeout S   (default 5)\n"
    "      --answer-timeout S    from a request's end to its answer's head (default 30): 504\n"
    "      --idle-timeout S      without a byte of a body (default 60)\n"
    "      --failures N          in a row keep requests from an upstream (default 5)\n"
    "      --open-for S          for that long (default 10); then one is let through\n"
    "      --health PATH         ask upstreams for that; who does not answer with 200 to 399\n"
    "                            gets no requests\n"
    "      --health-interval S   (default 5)\n"
    "  -h, --help                print this, and end\n"
    "      --version             print the version, and end\n"
    "\n"
    "The gateway's own are /metrics, for Prometheus, and /healthz. WebSockets are\n"
    "passed on, and end at --idle-timeout, or some seconds after the gateway is told to end.\n"
    "Exit status: 0; 1 it could not serve; 2 for a wrong option, or a wrong file.\n";

static _Noreturn void refuse(void)
{
    fprintf(stderr, "Try 'gateway --help'.\n");
    exit(EXIT_USAGE);
}

static _Noreturn void refuse_for(const char *what, const char *why)
{
    fprintf(stderr, "gateway: %s: %s\n", what, why);
    refuse();
}

static double read_number(const char *name, const char *text, double least, double most)
{
    char *end = NULL;
    double value = strtod(text, &end);

    if (end == text || *end != '\0' || !isfinite(value) || value < least || value > most) {
        fprintf(stderr, "gateway: --%s %s: give a number from %g to %g\n", name, text, least, most);
        refuse();
    }
    return value;
}

/* Print it all, or fail: what can't be written is not ignored. */
static _Noreturn void print_and_exit(const char *text)
{
    if (fputs(text, stdout) < 0 || fflush(stdout) != 0) {
        perror("gateway: standard output");
        exit(EXIT_FAILURE);
    }
    exit(EXIT_SUCCESS);
}

static void *must_have(void *memory)
{
    if (memory == NULL) {
        fprintf(stderr, "gateway: out of memory\n");
        exit(EXIT_FAILURE);
    }
    return memory;
}

/* ---- the file ---- */

static char *read_file(const char *path, size_t *bytes)
{
    char *text = must_have(malloc(FILE_MOST + 1));
    FILE *file = fopen(path, "r");

    if (file == NULL) {
        perror(path);
        refuse();
    }
    *bytes = fread(text, 1, FILE_MOST + 1, file);
    if (ferror(file) || *bytes > FILE_MOST)
        refuse_for(path, "can't be read, or is larger than 1 MiB");
    (void)fclose(file); /* nothing was written */
    return text;
}

/* What it does not say is as it was. */
static void read_config(struct options *o, const char *path)
{
    const tr_problem *problems;
    struct options of_file;
    size_t bytes, count;
    char *text = read_file(path, &bytes);
    int rc;

    if (o->file != NULL)
        refuse_for("--config", "is there twice");
    rc = tr_declared_parse(&o->file, options, &of_file, text, bytes, NULL);
    problems = tr_parsed_problems(o->file, &count);
    for (size_t i = 0; rc < 0 && i < count; i++)
        fprintf(stderr, "gateway: %s:%zu:%zu: %s %s\n", path, problems[i].line, problems[i].column,
                problems[i].where, problems[i].what);
    if (rc < 0)
        refuse_for(path, tr_strerror(rc));
    free(text);
    if (of_file.listen != NULL)
        o->listen = of_file.listen;
    o->routes = of_file.routes;
    o->routes_count = of_file.routes_count;
    o->least |= of_file.least;
    o->connect_timeout = of_file.connect_timeout > 0 ? of_file.connect_timeout : o->connect_timeout;
    o->answer_timeout = of_file.answer_timeout > 0 ? of_file.answer_timeout : o->answer_timeout;
    o->idle_timeout = of_file.idle_timeout > 0 ? of_file.idle_timeout : o->idle_timeout;
    o->failures = of_file.failures > 0 ? of_file.failures : o->failures;
    o->open_for = of_file.open_for > 0 ? of_file.open_for : o->open_for;
    o->health = of_file.health != NULL ? of_file.health : o->health;
    o->health_interval = of_file.health_interval > 0 ? of_file.health_interval : o->health_interval;
}

/* ---- the command line ---- */

/* "/api=http://127.0.0.1:9001,http://127.0.0.1:9002", cut into its parts. */
static void add_route(struct options *o, char *text)
{
    struct route_options *route;
    char *urls = strchr(text, '='), *url;

    *urls++ = '\0';
    if (o->routes_count == ROUTES_MOST)
        refuse_for(text, "there are 100 routes already");
    o->routes = must_have(reallocarray(o->routes, o->routes_count + 1, sizeof(*o->routes)));
    route = &o->routes[o->routes_count++];
    *route =
        (struct route_options){ .prefix = text,
                                .upstreams = must_have(calloc(UPSTREAMS_MOST, sizeof(char *))) };
    while ((url = strsep(&urls, ",")) != NULL) {
        if (route->upstreams_count == UPSTREAMS_MOST)
            refuse_for(text, "has more than 64 upstreams");
        route->upstreams[route->upstreams_count++] = url;
    }
}

static const struct option known[] = {
    { "config", required_argument, NULL, 'c' },
    { "balance", required_argument, NULL, OPTION_BALANCE },
    { "connect-timeout", required_argument, NULL, OPTION_CONNECT },
    { "answer-timeout", required_argument, NULL, OPTION_ANSWER },
    { "idle-timeout", required_argument, NULL, OPTION_IDLE },
    { "failures", required_argument, NULL, OPTION_FAILURES },
    { "open-for", required_argument, NULL, OPTION_OPEN },
    { "health", required_argument, NULL, OPTION_HEALTH },
    { "health-interval", required_argument, NULL, OPTION_INTERVAL },
    { "help", no_argument, NULL, 'h' },
    { "version", no_argument, NULL, OPTION_VERSION },
    { NULL, 0, NULL, 0 },
};

static void read_option(struct options *o, int option)
{
    switch (option) {
    case 'c':
        break; /* it was read before all others, which win */
    case OPTION_BALANCE:
        o->least = strcmp(optarg, "least") == 0;
        if (!o->least && strcmp(optarg, "round-robin") != 0)
            refuse_for("--balance", "give round-robin or least");
        break;
    case OPTION_CONNECT:
        o->connect_timeout = read_number("connect-timeout", optarg, 0.001, 86400);
        break;
    case OPTION_ANSWER:
        o->answer_timeout = read_number("answer-timeout", optarg, 0.001, 86400);
        break;
    case OPTION_IDLE:
        o->idle_timeout = read_number("idle-timeout", optarg, 0.001, 86400);
        break;
    case OPTION_FAILURES:
        o->failures = (int64_t)read_number("failures", optarg, 1, 1000000);
        break;
    case OPTION_OPEN:
        o->open_for = read_number("open-for", optarg, 0.001, 86400);
        break;
    case OPTION_HEALTH:
        o->health = optarg;
        break;
    case OPTION_INTERVAL:
        o->health_interval = read_number("health-interval", optarg, 0.001, 86400);
        break;
    case 'h':
        print_and_exit(usage);
    case OPTION_VERSION:
        print_and_exit("gateway (troupe) " TR_VERSION "\n");
    default:
        refuse(); /* getopt has said why */
    }
}

static void check_routes(const struct options *o)
{
    if (o->routes_count == 0)
        refuse_for("no route", "give PREFIX=URL");
    for (size_t i = 0; i < o->routes_count; i++) {
        const struct route_options *route = &o->routes[i];

        if (route->prefix[0] != '/' || strpbrk(route->prefix, ":*?#") != NULL)
            refuse_for(route->prefix, "a prefix is a path: \"/api\"");
        for (size_t u = 0; u < route->upstreams_count; u++)
            if (strncmp(route->upstreams[u], "http://", 7) != 0 &&
                strncmp(route->upstreams[u], "https://", 8) != 0)
                refuse_for(route->upstreams[u], "an upstream begins with http:// or https://");
    }
    if (o->health != NULL && o->health[0] != '/')
        refuse_for(o->health, "a path to be asked for begins with a slash");
}

static void read_in_order(struct options *o, int argc, char **argv, bool only_file)
{
    int option;

    optind = 0;         /* from the beginning */
    opterr = only_file; /* once is enough */
    while ((option = getopt_long(argc, argv, "c:h", known, NULL)) != -1) {
        if (only_file && option == 'c')
            read_config(o, optarg);
        else if (!only_file || option == '?')
            read_option(o, option);
    }
}

void options_read(struct options *o, int argc, char **argv)
{
    static char listen[] = "127.0.0.1:8080";

    *o = (struct options){ .listen = listen,
                           .connect_timeout = 5,
                           .answer_timeout = 30,
                           .idle_timeout = 60,
                           .failures = 5,
                           .open_for = 10,
                           .health_interval = 5 };
    read_in_order(o, argc, argv, true);
    read_in_order(o, argc, argv, false);
    for (; optind < argc; optind++) {
        if (strchr(argv[optind], '=') != NULL)
            add_route(o, argv[optind]);
        else
            o->listen = argv[optind];
    }
    check_routes(o);
}
