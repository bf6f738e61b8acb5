/* The error table. */
#include <string.h>
#include <troupe/core.h>

typedef struct error_entry {
    int code;
    const char *name;
    const char *sentence;
} error_entry;

#define ENTRY(name, value, sentence) { (value), #name, (sentence) },
static const error_entry errors[] = { TR_ERRORS(ENTRY) };
#undef ENTRY

#define NO_MULTIPLE_OF_256(name, value, sentence)                                                  \
    _Static_assert((value) % 256 != 0, "an exit status of " #name " would be 0: success");
TR_ERRORS(NO_MULTIPLE_OF_256)
#undef NO_MULTIPLE_OF_256

static const error_entry *find(int code)
{
    for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
        if (errors[i].code == code)
            return &errors[i];
    return NULL;
}

const char *tr_version(void)
{
    return TR_VERSION;
}

const char *tr_strerror(int code)
{
    const error_entry *entry = find(code);

    if (code >= 0)
        return "success";
    if (entry != NULL)
        return entry->sentence;
    return code > -4096 ? strerror(-code) : "an unknown error";
}

const char *tr_err_name(int code)
{
    const error_entry *entry = find(code);

    if (code >= 0)
        return "TR_OK";
    return entry != NULL ? entry->name : "TR_E?";
}
