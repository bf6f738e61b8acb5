/* Global offset tables, written to. */
#include "observe/hooks.h"

#include <dlfcn.h>
#include <elf.h>
#include <link.h>
#include <stdint.h>
#include <string.h>

#include "base/atomic.h"
#include "base/compiler.h"
#include "base/seam.h"

#if defined(__x86_64__) && defined(__LP64__)
enum { TO_FUNCTION = R_X86_64_JUMP_SLOT, TO_DATA = R_X86_64_GLOB_DAT };
#elif defined(__aarch64__) && defined(__LP64__)
enum { TO_FUNCTION = R_AARCH64_JUMP_SLOT, TO_DATA = R_AARCH64_GLOB_DAT };
#else
enum { TO_FUNCTION = -1, TO_DATA = -1 }; /* no relocation has such a type */
#endif

static const tr__hook *hooks;
static int hook_count;
/* How many were ever loaded: at the last pass; and when the watcher last asked. */
static unsigned long long objects_seen, objects_noticed;
static bool some_are_loading; /* at the last pass */

/* ---- an object ---- */

typedef struct relocations {
    const ElfW(Rela) * first;
    size_t count;
} relocations;

typedef struct object {
    const struct dl_phdr_info *info;
    relocations functions, data;
    const ElfW(Sym) * symbols;
    const char *strings;
    char *relro, *relro_end; /* whole pages that can't be written to */
    bool is_open;            /* they can, just now */
} object;

typedef struct pass {
    bool installs; /* else it removes */
    bool is_complete;
} pass;

static const ElfW(Phdr) * part_of(const struct dl_phdr_info *info, ElfW(Word) type)
{
    for (int i = 0; i < info->dlpi_phnum; i++)
        if (info->dlpi_phdr[i].p_type == type)
            return &info->dlpi_phdr[i];
    return NULL;
}

/* The linker has made addresses of the offsets, or (the kernel's own object, other C libraries) has
 * not. */
static const void *address_in(const object *o, ElfW(Addr) at)
{
    return (const void *)(at < o->info->dlpi_addr ? at + o->info->dlpi_addr : at);
}

static void read_entry(object *o, const ElfW(Dyn) * entry)
{
    switch (entry->d_tag) {
    case DT_JMPREL:
        o->functions.first = address_in(o, entry->d_un.d_ptr);
        break;
    case DT_PLTRELSZ:
        o->functions.count = entry->d_un.d_val / sizeof(ElfW(Rela));
        break;
    case DT_RELA:
        o->data.first = address_in(o, entry->d_un.d_ptr);
        break;
    case DT_RELASZ:
        o->data.count = entry->d_un.d_val / sizeof(ElfW(Rela));
        break;
    case DT_SYMTAB:
        o->symbols = address_in(o, entry->d_un.d_ptr);
        break;
    case DT_STRTAB:
        o->strings = address_in(o, entry->d_un.d_ptr);
        break;
    default:
        break;
    }
}

/* false: it has no tables. */
static bool read_object(object *o, const struct dl_phdr_info *info)
{
    const ElfW(Phdr) *dynamic = part_of(info, PT_DYNAMIC);
    const ElfW(Phdr) *relro = part_of(info, PT_GNU_RELRO);
    uintptr_t page = tr__page_bytes();

    *o = (object){ .info = info };
    if (dynamic == NULL)
        return false;
    for (const ElfW(Dyn) *entry = (const void *)(info->dlpi_addr + dynamic->p_vaddr);
         entry->d_tag != DT_NULL; entry++)
        read_entry(o, entry);
    if (relro != NULL) { /* as the linker reckons: a page that is not whole can be written to */
        uintptr_t begin = info->dlpi_addr + relro->p_vaddr;

        o->relro = (char *)(begin / page * page);
        o->relro_end = (char *)((begin + relro->p_memsz) / page * page);
    }
    return o->symbols != NULL && o->strings != NULL;
}

static bool holds(const object *o, const void *address)
{
    uintptr_t at = (uintptr_t)address;

    for (int i = 0; i < o->info->dlpi_phnum; i++) {
        const ElfW(Phdr) *part = &o->info->dlpi_phdr[i];
        uintptr_t begin = o->info->dlpi_addr + part->p_vaddr;

        if (part->p_type == PT_LOAD && at >= begin && at - begin < part->p_memsz)
            return true;
    }
    return false;
}

/* ---- an entry ---- */

static const tr__hook *hook_of(const char *name)
{
    int low = 0;
    int high = hook_count;

    while (low < high) {
        int middle = low + (high - low) / 2;
        int order = strcmp(name, hooks[middle].name);

        if (order == 0)
            return hooks[middle].real != NULL && *hooks[middle].real != NULL ? &hooks[middle]
                                                                             : NULL;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

static bool write_entry(object *o, void **entry, const void *value)
{
    if (!o->is_open && (char *)entry >= o->relro && (char *)entry < o->relro_end) {
        if (!tr__pages_set_writable(o->relro, (size_t)(o->relro_end - o->relro), true))
            return false;
        o->is_open = true;
    }
    /* release: `real` is set before ours can be called. */
    tr__store_release_ptr(entry, value);
    return true;
}

/* An entry that leads to the real one, or to the linker, which has not been asked for it yet.
 * Whatever else is there is another function of that name, or another version of it. */
static bool is_ordinary(const object *o, const ElfW(Sym) * symbol, const tr__hook *hook,
                        const void *now)
{
    return now == *hook->real || (symbol->st_shndx == SHN_UNDEF && holds(o, now));
}

/* An entry that a hook is for. */
typedef struct entry {
    const tr__hook *hook;
    const ElfW(Sym) * symbol;
    void **at;
    void *now;
} entry;

/* false: it is another's. */
static bool find_entry(entry *e, const object *o, const ElfW(Rela) * relocation)
{
    int type = (int)ELF64_R_TYPE(relocation->r_info);

    if (type != TO_FUNCTION && type != TO_DATA)
        return false;
    e->symbol = &o->symbols[ELF64_R_SYM(relocation->r_info)];
    e->hook = hook_of(o->strings + e->symbol->st_name);
    if (e->hook == NULL)
        return false;
    e->at = (void **)(o->info->dlpi_addr + relocation->r_offset);
    e->now = tr__load_relaxed_ptr(e->at); /* relaxed: only its value matters */
    return true;
}

/* Until the linker comes to an entry, it is 0, or an offset in the object, which is no address. */
static bool is_linked(const object *o, const entry *e)
{
    if (o->info->dlpi_addr == 0 || ELF64_ST_BIND(e->symbol->st_info) == STB_WEAK)
        return true; /* it may stay so */
    return e->now != NULL && !holds(o, (const char *)o->info->dlpi_addr + (uintptr_t)e->now);
}

static bool are_linked(const object *o, const relocations *entries)
{
    entry e;

    for (size_t i = 0; entries->first != NULL && i < entries->count; i++)
        if (find_entry(&e, o, &entries->first[i]) && !is_linked(o, &e))
            return false;
    return true;
}

/* false: it should be another, and could not be written. */
static bool visit_entry(object *o, const entry *e, bool installs)
{
    if (installs && e->now != e->hook->ours && is_ordinary(o, e->symbol, e->hook, e->now))
        return write_entry(o, e->at, e->hook->ours);
    if (!installs && e->now == e->hook->ours)
        return write_entry(o, e->at, *e->hook->real);
    return true;
}

static bool visit_entries(object *o, const relocations *entries, bool installs)
{
    bool is_complete = true;
    entry e;

    for (size_t i = 0; entries->first != NULL && i < entries->count; i++)
        if (find_entry(&e, o, &entries->first[i]))
            is_complete &= visit_entry(o, &e, installs);
    return is_complete;
}

/* ---- all objects ---- */

/* Not by strrchr: TSan knows of the loader's lock for all bytes of a name but the 0 behind it. */
TR__NO_TSAN static const char *last_part(const char *path)
{
    const char *part = path;

    for (const char *at = path; *at != '\0'; at++)
        if (*at == '/')
            part = at + 1;
    return part;
}

/* The C library calls itself as it pleases; sanitizers stand behind the functions already. */
static bool is_skipped(const char *path)
{
    static const char *const names[] = { "libc.so", "ld-linux", "linux-vdso", "libasan",
                                         "libtsan", "libubsan", "liblsan",    "vgpreload" };
    const char *name = last_part(path);

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (strncmp(name, names[i], strlen(names[i])) == 0)
            return true;
    return false;
}

static int visit_object(struct dl_phdr_info *info, size_t bytes, void *arg)
{
    pass *p = arg;
    object o;

    (void)bytes;
    objects_seen = info->dlpi_adds;
    if (is_skipped(info->dlpi_name) || !read_object(&o, info))
        return 0;
    if (p->installs && !(are_linked(&o, &o.functions) && are_linked(&o, &o.data))) {
        some_are_loading = true;
        return 0;
    }
    p->is_complete &= visit_entries(&o, &o.functions, p->installs);
    p->is_complete &= visit_entries(&o, &o.data, p->installs);
    if (o.is_open) /* if it can't be closed, it stays as it is */
        (void)tr__pages_set_writable(o.relro, (size_t)(o.relro_end - o.relro), false);
    return 0;
}

static bool visit_all(bool installs)
{
    pass p = { .installs = installs, .is_complete = true };

    some_are_loading = false;
    (void)dl_iterate_phdr(visit_object, &p);
    return p.is_complete;
}

/* A program that is not position-independent may have an entry of its own that stands for the
 * function everywhere: it leads through the very table that is written to. */
static bool is_entry(const void *address)
{
    const ElfW(Sym) *symbol = NULL;
    Dl_info info;

    return dladdr1(address, &info, (void **)&symbol, RTLD_DL_SYMENT) != 0 && symbol != NULL &&
           symbol->st_shndx == SHN_UNDEF;
}

static void find_real(const tr__hook *hook)
{
    void *real = dlsym(RTLD_DEFAULT, hook->name);

    if (real != NULL && is_entry(real))
        real = dlsym(RTLD_NEXT, hook->name);
    *hook->real = real;
}

bool tr__hooks_install(const tr__hook *wanted, int count)
{
    bool is_complete;

    hooks = wanted;
    hook_count = count;
    for (int i = 0; i < count; i++)
        if (*hooks[i].real == NULL)
            find_real(&hooks[i]);
    is_complete = visit_all(true);
    objects_seen = objects_noticed = 0; /* what is loaded just now is visited once more */
    return is_complete;
}

static int see_first(struct dl_phdr_info *info, size_t bytes, void *arg)
{
    (void)bytes;
    *(unsigned long long *)arg = info->dlpi_adds;
    return 1;
}

/* An object is in the list before the linker has written its entries, and must be left alone until
 * then. So what is new is visited the next time, when it has been there for a while; and again, as
 * long as entries are seen that are not written. */
bool tr__hooks_follow(void)
{
    unsigned long long loaded = objects_seen;
    bool is_new;

    (void)dl_iterate_phdr(see_first, &loaded);
    is_new = loaded != objects_noticed;
    objects_noticed = loaded;
    if (is_new || (loaded == objects_seen && !some_are_loading))
        return true;
    return visit_all(true);
}

void tr__hooks_remove(void)
{
    (void)visit_all(false); /* an entry that can't be written leads through ours, which hands on */
}
