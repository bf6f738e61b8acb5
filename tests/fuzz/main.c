/* Runs inputs without a fuzzer: files, and all files of folders. */
#include "fuzz/fuzz.h"

#include <dirent.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void print_usage(FILE *to)
{
    (void)fputs("fuzz_TARGET [--twice] [--repeat N] FILE|FOLDER...\n"
                "Runs the inputs: files, and all files of folders.\n"
                "  --twice     run each twice: both times the same must happen\n"
                "  --repeat N  all of them N times over, and the figures of memory, to see a leak\n"
                "With TROUPE_FUZZ_TELL set, each program says what it does.\n"
                "Exit status: 0 all well; an abort: one has failed; 2 wrong usage.\n",
                to);
}

static bool is_twice;
static const char *running = "none"; /* the file */
static unsigned long count;

/* Whatever ends the run, its input is named. (ASan ends by abort, too, if ASAN_OPTIONS say so.) */
static void name_input(int signo)
{
    static const char before[] = "fuzz: the input was ";
    bool is_said = write(STDERR_FILENO, before, sizeof(before) - 1) > 0 &&
                   write(STDERR_FILENO, running, strlen(running)) > 0 &&
                   write(STDERR_FILENO, "\n", 1) > 0;

    (void)is_said; /* nowhere to complain */
    (void)signal(signo, SIG_DFL);
    (void)raise(signo);
}

static void run_bytes(const uint8_t *data, size_t size)
{
    uint64_t trace;

    (void)LLVMFuzzerTestOneInput(data, size);
    count++;
    if (!is_twice)
        return;
    trace = fuzz_now.trace;
    (void)LLVMFuzzerTestOneInput(data, size);
    EXPECT(fuzz_now.trace == trace);
}

static bool run_file(const char *path)
{
    static uint8_t data[1 << 16];
    FILE *file = fopen(path, "rb");
    size_t size;

    if (file == NULL) {
        perror(path);
        return false;
    }
    size = fread(data, 1, sizeof(data), file);
    (void)fclose(file); /* it was only read */
    running = path;
    run_bytes(data, size);
    return true;
}

static int is_visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static bool run_folder(const char *path)
{
    struct dirent **entries;
    int files = scandir(path, &entries, is_visible, alphasort);
    bool is_well = files >= 0;

    for (int i = 0; i < files; i++) {
        char name[4096];

        (void)snprintf(name, sizeof(name), "%s/%s", path, entries[i]->d_name);
        is_well = run_file(name) && is_well;
        free(entries[i]);
    }
    if (files >= 0)
        free((void *)entries);
    return is_well;
}

static bool run_path(const char *path)
{
    struct stat status;

    if (stat(path, &status) < 0) {
        perror(path);
        return false;
    }
    return S_ISDIR(status.st_mode) ? run_folder(path) : run_file(path);
}

/* So many KB of memory the process has. */
static long resident_kb(void)
{
    FILE *file = fopen("/proc/self/statm", "r");
    long total = 0;
    long resident = 0;

    if (file != NULL) {
        if (fscanf(file, "%ld %ld", &total, &resident) != 2) /* NOLINT(cert-err34-c) */
            resident = 0;
        (void)fclose(file); /* it was only read */
    }
    return resident * 4;
}

int main(int argc, char **argv)
{
    static const struct option longs[] = {
        { "tell", no_argument, NULL, 't' },
        { "twice", no_argument, NULL, '2' },
        { "repeat", required_argument, NULL, 'r' },
        { "help", no_argument, NULL, 'h' },
        { NULL, 0, NULL, 0 },
    };
    unsigned long repeat = 1;
    bool is_well = true;
    int option;

    while ((option = getopt_long(argc, argv, "h", longs, NULL)) >= 0) {
        switch (option) {
        case '2':
            is_twice = true;
            break;
        case 'r':
            repeat = strtoul(optarg, NULL, 0);
            break;
        case 'h':
            print_usage(stdout);
            return 0;
        default:
            print_usage(stderr);
            return 2;
        }
    }
    (void)signal(SIGABRT, name_input);
    if (optind == argc) {
        print_usage(stderr);
        return 2;
    }
    for (unsigned long i = 0; i < repeat; i++) {
        for (int argument = optind; argument < argc; argument++)
            is_well = run_path(argv[argument]) && is_well;
        if (repeat > 1)
            printf("%lu inputs: %ld KB\n", count, resident_kb());
    }
    printf("%lu inputs ran as they should\n", count);
    return is_well && count > 0 ? 0 : 2;
}
