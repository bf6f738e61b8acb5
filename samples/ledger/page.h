/* The page at /, which shows accounts and lets money move. */
#ifndef LEDGER_PAGE_H
#define LEDGER_PAGE_H

#include <troupe/net.h>

void page_add(tr_http_server *srv);

#endif
