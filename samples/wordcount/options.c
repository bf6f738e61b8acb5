/* See options.h. */
#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <troupe/core.h>
#include <unistd.h>

enum { MAX_LOOPS = 1024, EXIT_USAGE = 2 };
enum { OPTION_VERSION = 256, OPTION_PROGRESS, OPTION_NO_PROGRESS };

static const char usage[] =
    "Usage: wordcount [OPTION]... [FILE|DIRECTORY]...\n"
    "Count the words in files, and in all files under directories, on all cores, and\n"
    "print the most frequent ones. A word is a run of the letters A to Z; small and\n"
    "capital letters are the same. Symbolic links are not followed.\n"
    "Without FILE or DIRECTORY: " DEFAULT_INPUT "\n"
    "\n"
    "  -n, --top N        print the N most frequent words (default 10)\n"
    "  -l, --loops N      count on N event loops, with two pieces of text in work for\n"
    "                     each (default: a loop for each core)\n"
    "  -j, --json         print JSON\n"
    "      --progress     say on standard error how far it is (default: if that is a\n"
    "      --no-progress  terminal)\n"
    "  -h, --help         print this, and end\n"
    "      --version      print the version, and end\n"
    "\n"
    "Ctrl-C ends it early: it prints what it has counted so far, marked as partial.\n"
    "Exit status: 0; 1 if something could not be read or counted; 2 for a wrong option.\n";

static _Noreturn void refuse(void)
{
    fprintf(stderr, "Try 'wordcount --help'.\n");
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
        fprintf(stderr, "wordcount: --%s %s: give a number from %zu to %zu\n", name, text, least,
                most);
        refuse();
    }
    return (size_t)value;
}

/* Print it all, or fail: what can't be written is not ignored. */
static _Noreturn void print_and_exit(const char *text)
{
    if (fputs(text, stdout) < 0 || fflush(stdout) != 0) {
        perror("wordcount: standard output");
        exit(EXIT_FAILURE);
    }
    exit(EXIT_SUCCESS);
}

void options_read(struct options *o, int argc, char **argv)
{
    static const struct option known[] = {
        { "top", required_argument, NULL, 'n' },
        { "loops", required_argument, NULL, 'l' },
        { "json", no_argument, NULL, 'j' },
        { "help", no_argument, NULL, 'h' },
        { "progress", no_argument, NULL, OPTION_PROGRESS },
        { "no-progress", no_argument, NULL, OPTION_NO_PROGRESS },
        { "version", no_argument, NULL, OPTION_VERSION },
        { NULL, 0, NULL, 0 },
    };
    static char default_input[] = DEFAULT_INPUT;
    static char *const default_paths[] = { default_input, NULL };
    int option;

    *o = (struct options){ .top = 10, .progress = isatty(STDERR_FILENO) };
    while ((option = getopt_long(argc, argv, "n:l:jh", known, NULL)) != -1) {
        switch (option) {
        case 'n':
            o->top = read_number("top", optarg, 0, SIZE_MAX);
            break;
        case 'l':
            o->loops = (int)read_number("loops", optarg, 1, MAX_LOOPS);
            break;
        case 'j':
            o->json = true;
            break;
        case OPTION_PROGRESS:
        case OPTION_NO_PROGRESS:
            o->progress = option == OPTION_PROGRESS;
            break;
        case 'h':
            print_and_exit(usage);
        case OPTION_VERSION:
            print_and_exit("wordcount (troupe) " TR_VERSION "\n");
        default:
            refuse(); /* getopt has said why */
        }
    }
    o->paths = optind < argc ? argv + optind : default_paths;
}
