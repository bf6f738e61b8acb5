/* See options.h. */
#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <troupe/core.h>
#include <unistd.h>

enum { EXIT_USAGE = 2, MOST_CONNECTIONS = 1000, LONGEST_TIME = 86400 };
enum {
    OPTION_VERSION = 256,
    OPTION_PROGRESS,
    OPTION_NO_PROGRESS,
    OPTION_SERVE,
    OPTION_SITE_PAGES,
    OPTION_AGENT,
    OPTION_BYTES
};

static const char usage[] =
    "Usage: scraper [OPTION]... URL...\n"
    "       scraper --serve-site ADDRESS [--site-pages N]\n"
    "Fetch pages, and those that they link to, on the hosts of the URLs; print a line of\n"
    "JSON for each URL that was found: fetched, redirected, failed, or skipped and why.\n"
    "robots.txt is heeded, and so are Crawl-delay, Retry-After, and rel=\"nofollow\".\n"
    "\n"
    "  -c, --connections N   at once, to a host (default 4)\n"
    "  -r, --rate R          requests a second to a host (default 10; 0: no limit)\n"
    "  -d, --depth N         follow links N times at most (default: no limit)\n"
    "  -p, --pages N         ask for N pages at most (default 10000)\n"
    "  -a, --attempts N      for each page (default 3)\n"
    "  -t, --timeout S       seconds for each attempt (default 30)\n"
    "      --page-bytes N    of a page at most (default 4194304); a larger one has failed\n"
    "      --all-hosts       follow links to other hosts, too\n"
    "      --user-agent NAME (default troupe-scraper)\n"
    "  -j, --json            the summary, on standard error, is JSON, too\n"
    "      --progress        say on standard error how far it is (default: if that is a\n"
    "      --no-progress     terminal)\n"
    "      --serve-site ADDRESS  serve a site to be tried on, with failures, timeouts and\n"
    "                        redirects in it: 127.0.0.1:8080, or 127.0.0.1:0\n"
    "      --site-pages N    that it has (default 5000)\n"
    "  -h, --help            print this, and end\n"
    "      --version         print the version, and end\n"
    "\n"
    "Ctrl-C ends it early: what was found and not fetched is told, too, as skipped.\n"
    "Exit status: 0 all was crawled, whatever the pages said; 1 a first page failed, or the\n"
    "results could not be written; 2 for a wrong option.\n";

static _Noreturn void refuse(void)
{
    fprintf(stderr, "Try 'scraper --help'.\n");
    exit(EXIT_USAGE);
}

/* Only digits: strtoull alone would let "-1" pass. */
static size_t read_number(const char *name, const char *text, size_t least, size_t most)
{
    char *end = NULL;
    unsigned long long value;

    errno = 0;
    value = strtoull(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0 || value < least ||
        value > most) {
        fprintf(stderr, "scraper: --%s %s: give a number from %zu to %zu\n", name, text, least,
                most);
        refuse();
    }
    return (size_t)value;
}

static double read_seconds(const char *name, const char *text, double least, double most)
{
    char *end = NULL;
    double value = strtod(text, &end);

    if (end == text || *end != '\0' || !isfinite(value) || value < least || value > most) {
        fprintf(stderr, "scraper: --%s %s: give a number from %g to %g\n", name, text, least, most);
        refuse();
    }
    return value;
}

/* Print it all, or fail: what can't be written is not ignored. */
static _Noreturn void print_and_exit(const char *text)
{
    if (fputs(text, stdout) < 0 || fflush(stdout) != 0) {
        perror("scraper: standard output");
        exit(EXIT_FAILURE);
    }
    exit(EXIT_SUCCESS);
}

static const struct option known[] = {
    { "connections", required_argument, NULL, 'c' },
    { "rate", required_argument, NULL, 'r' },
    { "depth", required_argument, NULL, 'd' },
    { "pages", required_argument, NULL, 'p' },
    { "attempts", required_argument, NULL, 'a' },
    { "timeout", required_argument, NULL, 't' },
    { "page-bytes", required_argument, NULL, OPTION_BYTES },
    { "all-hosts", no_argument, NULL, 'o' },
    { "user-agent", required_argument, NULL, OPTION_AGENT },
    { "json", no_argument, NULL, 'j' },
    { "progress", no_argument, NULL, OPTION_PROGRESS },
    { "no-progress", no_argument, NULL, OPTION_NO_PROGRESS },
    { "serve-site", required_argument, NULL, OPTION_SERVE },
    { "site-pages", required_argument, NULL, OPTION_SITE_PAGES },
    { "help", no_argument, NULL, 'h' },
    { "version", no_argument, NULL, OPTION_VERSION },
    { NULL, 0, NULL, 0 },
};

static void read_option(struct options *o, int option)
{
    switch (option) {
    case 'c':
        o->connections = read_number("connections", optarg, 1, MOST_CONNECTIONS);
        break;
    case 'r':
        o->rate = read_seconds("rate", optarg, 0, 1e6);
        break;
    case 'd':
        o->depth = read_number("depth", optarg, 0, SIZE_MAX);
        break;
    case 'p':
        o->pages = read_number("pages", optarg, 1, SIZE_MAX);
        break;
    case 'a':
        o->attempts = read_number("attempts", optarg, 1, 100);
        break;
    case 't':
        o->timeout = read_seconds("timeout", optarg, 0.001, LONGEST_TIME);
        break;
    case OPTION_BYTES:
        o->page_bytes = read_number("page-bytes", optarg, 1, 1 << 30);
        break;
    case 'o':
        o->all_hosts = true;
        break;
    case OPTION_AGENT:
        o->agent = optarg;
        break;
    case 'j':
        o->json = true;
        break;
    case OPTION_PROGRESS:
    case OPTION_NO_PROGRESS:
        o->progress = option == OPTION_PROGRESS;
        break;
    case OPTION_SERVE:
        o->site = optarg;
        break;
    case OPTION_SITE_PAGES:
        o->site_pages = read_number("site-pages", optarg, 1, 10000000);
        break;
    case 'h':
        print_and_exit(usage);
    case OPTION_VERSION:
        print_and_exit("scraper (troupe) " TR_VERSION "\n");
    default:
        refuse(); /* getopt has said why */
    }
}

void options_read(struct options *o, int argc, char **argv)
{
    int option;

    *o = (struct options){ .connections = 4,
                           .rate = 10,
                           .depth = SIZE_MAX,
                           .pages = 10000,
                           .page_bytes = 4 << 20,
                           .attempts = 3,
                           .timeout = 30,
                           .agent = "troupe-scraper",
                           .progress = isatty(STDERR_FILENO),
                           .site_pages = 5000 };
    while ((option = getopt_long(argc, argv, "c:r:d:p:a:t:jh", known, NULL)) != -1)
        read_option(o, option);
    o->urls = argv + optind;
    if (o->site == NULL ? optind == argc : optind < argc) {
        fprintf(stderr, o->site == NULL ? "scraper: give a URL to begin with\n"
                                        : "scraper: either serve a site, or crawl one\n");
        refuse();
    }
}
