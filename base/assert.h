/* Assertions. TR_ASSERT stays on in release builds: it guards what would corrupt memory, and ends
 * the process. TR_DCHECK is for what is cheap to believe; it is gone with NDEBUG. */
#ifndef TR_BASE_ASSERT_H
#define TR_BASE_ASSERT_H

#include "base/compiler.h"

/* Log where and what, then abort. */
_Noreturn TR__SHARED void tr__assert_failed(const char *file, int line, const char *what) TR__COLD;

#define TR_ASSERT(x) (TR__LIKELY(x) ? (void)0 : tr__assert_failed(__FILE__, __LINE__, #x))

#ifdef NDEBUG
#define TR_DCHECK(x) ((void)sizeof(x))
#else
#define TR_DCHECK(x) TR_ASSERT(x)
#endif

#endif
