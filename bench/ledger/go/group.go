package main

import "database/sql"

const groupMost = 256

// One goroutine writes: what has come while it committed shares the next transaction, each piece in
// a savepoint of its own.
type groups struct {
	db    *sql.DB
	all   prepared
	queue chan *piece
}

type piece struct {
	work func(tx statements) error
	err  error
	done chan error
}

func newGroups(db *sql.DB) (writer, error) {
	all, err := prepare(db)
	if err != nil {
		return nil, err
	}
	g := &groups{db, all, make(chan *piece, groupMost)}
	go g.run()
	return g, nil
}

func (g *groups) do(work func(tx statements) error) error {
	p := &piece{work: work, done: make(chan error, 1)}
	g.queue <- p
	return <-p.done
}

func (g *groups) run() {
	for first := range g.queue {
		group := append(make([]*piece, 0, groupMost), first)
		for more := true; more && len(group) < groupMost; {
			select {
			case p := <-g.queue:
				group = append(group, p)
			default:
				more = false
			}
		}
		failed := g.commit(group)
		for _, p := range group {
			if failed != nil {
				p.err = failed
			}
			p.done <- p.err
		}
	}
}

// The error of all of them, if there is one; each may have its own besides.
func (g *groups) commit(group []*piece) error {
	tx, err := g.db.Begin()
	if err != nil {
		return err
	}
	defer tx.Rollback()
	for _, p := range group {
		if _, err := tx.Exec("savepoint piece"); err != nil {
			return err
		}
		if p.err = p.work(statements{tx, g.all}); p.err != nil {
			if _, err := tx.Exec("rollback to piece"); err != nil {
				return err
			}
		}
		if _, err := tx.Exec("release piece"); err != nil {
			return err
		}
	}
	return tx.Commit()
}
