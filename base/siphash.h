/* SipHash-2-4 (Aumasson and Bernstein, 2012): a hash that nobody can make collide who does not know
 * its key. For tables whose keys come from outside. */
#ifndef TR_BASE_SIPHASH_H
#define TR_BASE_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"

TR__SHARED uint64_t tr__siphash(const uint64_t key[2], const void *data, size_t bytes);

#endif
