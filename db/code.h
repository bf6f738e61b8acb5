/* Which of troupe's codes stands for a result code of SQLite's. */
#ifndef TROUPE_DB_CODE_H
#define TROUPE_DB_CODE_H

/* code: an extended result code. Those of success (SQLITE_OK, SQLITE_ROW, SQLITE_DONE) are 0. */
int tr__db_code(int code);

#endif
