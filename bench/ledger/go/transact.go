package main

import "database/sql"

// The statements that write, prepared once.
const (
	insertAccount  = "insert into accounts (owner, cents) values (?, ?)"
	findTransfer   = "select id, source, destination, cents, memo, at from transfers where key = ?"
	findAccount    = "select 1 from accounts where id = ?"
	changeBalance  = "update accounts set cents = cents + ? where id = ? and cents + ? >= 0 returning cents"
	insertTransfer = "insert into transfers (key, source, destination, cents, memo, at) " +
		"values (?, ?, ?, ?, ?, strftime('%Y-%m-%dT%H:%M:%fZ', 'now')) returning id, at"
	insertPostings = "insert into postings values (?, ?, ?, ?), (?, ?, ?, ?)"
)

type prepared map[string]*sql.Stmt

func prepare(db *sql.DB) (prepared, error) {
	all := prepared{}
	for _, text := range []string{insertAccount, findTransfer, findAccount, changeBalance,
		insertTransfer, insertPostings} {
		statement, err := db.Prepare(text)
		if err != nil {
			return nil, err
		}
		all[text] = statement
	}
	return all, nil
}

// The prepared statements within a transaction.
type statements struct {
	tx  *sql.Tx
	all prepared
}

func (s statements) exec(text string, args ...any) (sql.Result, error) {
	return s.tx.Stmt(s.all[text]).Exec(args...)
}

func (s statements) row(text string, args ...any) *sql.Row {
	return s.tx.Stmt(s.all[text]).QueryRow(args...)
}

// Each piece of work in a transaction of its own. The pool of one connection makes them wait for
// each other, in order.
type alone struct {
	db  *sql.DB
	all prepared
}

func newAlone(db *sql.DB) (writer, error) {
	all, err := prepare(db)
	return &alone{db, all}, err
}

func (a *alone) do(work func(tx statements) error) error {
	tx, err := a.db.Begin() // "begin immediate": _txlock
	if err != nil {
		return err
	}
	defer tx.Rollback() // nothing, once it is committed
	if err = work(statements{tx, a.all}); err != nil {
		return err
	}
	return tx.Commit()
}
