/* Names of addresses. What was found is kept: reports come again and again from the same places. */
#include "observe/symbols.h"

#include <dlfcn.h>
#include <link.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/seam.h"
#include "observe/backtrace.h"

enum {
    NAMES = 512,
    NAME_BYTES = 200,
    PATH_BYTES = 1024,
    OUTPUT_BYTES = 16 << 10,
    NUMBER_BYTES = 20, /* of an address in hexadecimal */
    ARGUMENTS = 7      /* of addr2line, before the addresses */
};

typedef struct name {
    const void *pc; /* NULL: unused */
    char text[NAME_BYTES];
} name;

/* A file that code was loaded from. */
typedef struct object {
    const void *pc; /* that is looked for */
    uintptr_t bias; /* address minus what the file says */
    char path[PATH_BYTES];
} object;

typedef struct symbols {
    name names[NAMES];
    unsigned next; /* to be replaced */
    char output[OUTPUT_BYTES];
    bool (*gives_up)(void);
    const char *program; /* NULL: none */
} symbols;

static symbols *known;

int tr__symbols_open(bool (*gives_up)(void))
{
    const char *program = getenv("TROUPE_ADDR2LINE");

    known = tr__alloc_zeroed(sizeof(*known));
    if (known == NULL)
        return TR_ENOMEM;
    known->gives_up = gives_up;
    known->program = program == NULL ? "addr2line" : *program != '\0' ? program : NULL;
    return 0;
}

void tr__symbols_close(void)
{
    tr__free(known);
    known = NULL;
}

/* ---- what is kept ---- */

static name *lookup(const void *pc)
{
    for (int i = 0; i < NAMES; i++)
        if (known->names[i].pc == pc)
            return &known->names[i];
    return NULL;
}

static name *keep(const void *pc)
{
    name *n = &known->names[known->next++ % NAMES];

    n->pc = pc;
    n->text[0] = '\0';
    return n;
}

static void append(name *n, const char *text)
{
    size_t length = strlen(n->text);

    (void)snprintf(n->text + length, NAME_BYTES - length, "%s", text); /* a cut one will do */
}

const char *tr__symbol_of(const void *pc)
{
    const name *n = lookup(pc);

    return n != NULL ? n->text : "?";
}

/* ---- objects ---- */

static bool holds(const struct dl_phdr_info *info, uintptr_t at)
{
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *part = &info->dlpi_phdr[i];
        uintptr_t begin = info->dlpi_addr + part->p_vaddr;

        if (part->p_type == PT_LOAD && at >= begin && at - begin < part->p_memsz)
            return true;
    }
    return false;
}

static int visit(struct dl_phdr_info *info, size_t bytes, void *arg)
{
    object *o = arg;

    (void)bytes;
    if (!holds(info, (uintptr_t)o->pc))
        return 0;
    o->bias = info->dlpi_addr;
    (void)snprintf(o->path, sizeof(o->path), "%s",
                   info->dlpi_name[0] != '\0' ? info->dlpi_name : "/proc/self/exe");
    return 1;
}

/* false: it is nobody's code. */
static bool find_object(object *o, const void *pc)
{
    ssize_t length;

    o->pc = pc;
    if (dl_iterate_phdr(visit, o) == 0)
        return false;
    if (strcmp(o->path, "/proc/self/exe") == 0) { /* which would be addr2line itself there */
        length = readlink("/proc/self/exe", o->path, sizeof(o->path) - 1);
        o->path[length > 0 ? length : 0] = '\0';
    }
    return true;
}

/* ---- addr2line ---- */

/* A path without all but its last folder. */
static const char *tail(const char *path)
{
    const char *end = path + strlen(path);
    int slashes = 0;

    while (end > path && (slashes += end[-1] == '/') < 2)
        end--;
    return end;
}

/* A function that it has found, which may be "??", and the line, which may be "??:0". */
static void add_function(name *n, const char *function, char *place)
{
    char text[NAME_BYTES];

    if (strcmp(function, "??") == 0)
        return;
    place[strcspn(place, " ")] = '\0'; /* a discriminator */
    if (place[0] != '?')
        (void)snprintf(text, sizeof(text), "%s%s (%s)", n->text[0] != '\0' ? " < " : "", function,
                       tail(place));
    else
        (void)snprintf(text, sizeof(text), "%s%s", n->text[0] != '\0' ? " < " : "", function);
    append(n, text);
}

/* For each address a line with it; then two for each function there: the innermost inlined one
 * first. */
static void parse(char *output, name *const *names, int count)
{
    char *rest = output;
    char *function = NULL;
    char *line;
    int at = -1;

    while ((line = strsep(&rest, "\n")) != NULL && *line != '\0') {
        if (line[0] == '0' && line[1] == 'x') {
            at++;
            function = NULL;
        } else if (function == NULL) {
            function = line;
        } else {
            if (at >= 0 && at < count)
                add_function(names[at], function, line);
            function = NULL;
        }
    }
}

static void miss_program(void)
{
    tr__log(TR_LOG_INFO,
            "debug mode: '%s' can't be run: install binutils, or name another with "
            "TROUPE_ADDR2LINE, for backtraces with files and lines",
            known->program);
    known->program = NULL;
}

static void ask_program(object *o, name *const *names, int count)
{
    char numbers[TR__FRAMES_MAX][NUMBER_BYTES];
    char *argv[ARGUMENTS + TR__FRAMES_MAX + 1] = {
        (char *)(uintptr_t)known->program, "-a", "-f", "-i", "-C", "-e", o->path
    };
    ssize_t got;

    for (int i = 0; i < count; i++) {
        (void)snprintf(numbers[i], NUMBER_BYTES, "0x%llx",
                       (unsigned long long)((uintptr_t)names[i]->pc - o->bias));
        argv[ARGUMENTS + i] = numbers[i];
    }
    got = tr__program_read(argv, known->output, OUTPUT_BYTES, known->gives_up);
    if (got > 0)
        parse(known->output, names, count);
    else if (got < 0 && got != TR_ECANCELED)
        miss_program();
}

/* ---- without it ---- */

static void name_roughly(name *n, const object *o)
{
    const char *file = o != NULL ? tail(o->path) : "?";
    Dl_info info;

    if (dladdr(n->pc, &info) != 0 && info.dli_sname != NULL)
        (void)snprintf(n->text, NAME_BYTES, "%s+0x%llx (%s)", info.dli_sname,
                       (unsigned long long)((uintptr_t)n->pc - (uintptr_t)info.dli_saddr), file);
    else
        (void)snprintf(n->text, NAME_BYTES, "%s+0x%llx", file,
                       (unsigned long long)((uintptr_t)n->pc - (o != NULL ? o->bias : 0)));
}

/* ---- finding ---- */

/* Those of the same object as the first; they are taken off the list. Returns how many are left. */
static int find_of_one_object(name **left, int count)
{
    name *of_object[TR__FRAMES_MAX];
    bool is_found;
    object o;
    object other;
    int others = 0;
    int own = 0;

    is_found = find_object(&o, left[0]->pc);
    for (int i = 0; i < count; i++) {
        bool is_same = i == 0 || (is_found && find_object(&other, left[i]->pc) &&
                                  strcmp(o.path, other.path) == 0);

        if (is_same)
            of_object[own++] = left[i];
        else
            left[others++] = left[i];
    }
    if (is_found && known->program != NULL)
        ask_program(&o, of_object, own);
    for (int i = 0; i < own; i++)
        if (of_object[i]->text[0] == '\0')
            name_roughly(of_object[i], is_found ? &o : NULL);
    return others;
}

void tr__symbols_find(void *const *pc, int count)
{
    name *left[TR__FRAMES_MAX];
    int unknown = 0;

    for (int i = 0; i < count; i++)
        if (lookup(pc[i]) == NULL)
            left[unknown++] = keep(pc[i]);
    while (unknown > 0)
        unknown = find_of_one_object(left, unknown);
}
