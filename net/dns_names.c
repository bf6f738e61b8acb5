/* Names of hosts, as texts. */
#include "net/dns_names.h"

#include <string.h>
#include <strings.h>

#include "net/address.h"

enum { NAME_MOST = 253, LABEL_MOST = 63 };

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool is_of_names(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'z') || c == '-' || c == '_';
}

/* A label's length; 0: it is none. */
static size_t span_label(const char *text, bool *is_number)
{
    size_t bytes = 0;

    *is_number = true;
    for (; is_of_names(text[bytes]); bytes++)
        *is_number = *is_number && is_digit(text[bytes]);
    return bytes <= LABEL_MOST ? bytes : 0;
}

/* A last label that is a number would be taken for an address by some, and for a name by others:
 * it is neither. */
static bool is_valid(const char *name)
{
    bool is_number;

    for (;;) {
        size_t bytes = span_label(name, &is_number);

        name += bytes;
        if (bytes == 0 || (*name != 0 && *name != '.'))
            return false;
        if (*name == 0 || name[1] == 0)
            return !is_number;
        name++;
    }
}

bool tr__name_copy(char to[TR__NAME_BYTES], const char *name)
{
    size_t bytes = strnlen(name, TR__NAME_BYTES);

    if (bytes == 0 || bytes > NAME_MOST + (size_t)(name[bytes - 1] == '.'))
        return false;
    for (size_t i = 0; i <= bytes; i++)
        to[i] = lower(name[i]);
    return is_valid(to);
}

/* Whether this is the last label, or all of it. */
static bool ends_with(const char *name, const char *label)
{
    size_t label_bytes = strlen(label);
    size_t bytes = strlen(name);

    if (bytes > 0 && name[bytes - 1] == '.')
        bytes--;
    if (bytes < label_bytes || memcmp(name + bytes - label_bytes, label, label_bytes) != 0)
        return false;
    return bytes == label_bytes || name[bytes - label_bytes - 1] == '.';
}

bool tr__name_is_local(const char *name)
{
    return ends_with(name, "localhost");
}

bool tr__name_is_secret(const char *name)
{
    return ends_with(name, "onion");
}

/* ---- the order of addresses ---- */

void tr__addresses_interleave(tr_address *addresses, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        sa_family_t before = addresses[i - 1].tr__storage.ss_family;
        size_t next = i;
        tr_address moved;

        while (next < count && addresses[next].tr__storage.ss_family == before)
            next++;
        if (next == count)
            return;
        moved = addresses[next];
        memmove(&addresses[i + 1], &addresses[i], (next - i) * sizeof(moved));
        addresses[i] = moved;
    }
}

/* ---- hosts files ---- */

/* The name without the dot that it may end with. */
static bool is_same(const char *word, const char *name)
{
    size_t bytes = strlen(name);

    if (bytes > 0 && name[bytes - 1] == '.')
        bytes--;
    return strlen(word) == bytes && strncasecmp(word, name, bytes) == 0;
}

static bool has_name(char *rest, const char *name)
{
    char *at = NULL;

    for (char *word = strtok_r(rest, " \t\r", &at); word != NULL;
         word = strtok_r(NULL, " \t\r", &at))
        if (is_same(word, name))
            return true;
    return false;
}

static bool read_line(char *line, const char *name, tr_address *out)
{
    char *at = NULL;
    char *address;

    line[strcspn(line, "#")] = 0;
    address = strtok_r(line, " \t\r", &at);
    return address != NULL && at != NULL && has_name(at, name) &&
           tr__address_of_host(out, address, 0);
}

size_t tr__hosts_find(char *text, const char *name, tr_address *out, size_t most)
{
    char *at = NULL;
    size_t count = 0;

    for (char *line = strtok_r(text, "\n", &at); line != NULL && count < most;
         line = strtok_r(NULL, "\n", &at))
        if (read_line(line, name, &out[count]))
            count++;
    return count;
}
