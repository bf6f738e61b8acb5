#include "db/code.h"

#include <sqlite3.h>
#include <troupe/core.h>

static int of_constraint(int code)
{
    switch (code) {
    case SQLITE_CONSTRAINT_UNIQUE:
    case SQLITE_CONSTRAINT_PRIMARYKEY:
    case SQLITE_CONSTRAINT_ROWID:
        return TR_EEXIST;
    case SQLITE_CONSTRAINT_DATATYPE:
        return TR_EVALUE;
    default:
        return TR_ECONSTRAINT;
    }
}

/* The primary code is the low byte of an extended one. */
int tr__db_code(int code)
{
    switch (code & 0xff) {
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE:
        return 0;
    case SQLITE_NOMEM:
        return TR_ENOMEM;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return TR_EBUSY;
    case SQLITE_INTERRUPT:
        return TR_ECANCELED;
    case SQLITE_CONSTRAINT:
        return of_constraint(code);
    case SQLITE_MISMATCH:
        return TR_EVALUE;
    case SQLITE_TOOBIG:
        return TR_ETOOLARGE;
    case SQLITE_FULL:
        return TR_ENOSPC;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return TR_ECORRUPT;
    case SQLITE_READONLY:
        return -EROFS;
    case SQLITE_PERM:
        return TR_EPERM;
    case SQLITE_CANTOPEN:
        return TR_ENOENT;
    case SQLITE_IOERR:
    case SQLITE_PROTOCOL:
        return TR_EIO;
    case SQLITE_MISUSE:
        return TR_EINVAL;
    default:
        return TR_ESQL;
    }
}
