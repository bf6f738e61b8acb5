// Go's side of ./dev bench --ledger: net/http, encoding/json, database/sql on go-sqlite3.
//
// Two pools, as is usual with SQLite: one connection that writes, several that read. A transfer is
// a transaction of its own (transact.go); with --group those that have come share one (group.go).
package main

import (
	"crypto/rand"
	"crypto/subtle"
	"database/sql"
	_ "embed"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	_ "github.com/mattn/go-sqlite3"
	"golang.org/x/crypto/scrypt"
)

//go:embed schema.sql
var schema string

const password = "demo-demo"

type ledger struct {
	read    *sql.DB
	balance *sql.Stmt
	write   writer
	salt    []byte
	hash    []byte
}

// Runs a piece of work in a transaction; returns when it is on disk.
type writer interface {
	do(work func(tx statements) error) error
}

// What the service answers instead of success.
type refusal struct {
	status int
	why    string
}

func (r refusal) Error() string { return r.why }

type account struct {
	ID    int64  `json:"id"`
	Owner string `json:"owner"`
	Cents int64  `json:"cents"`
}

type transfer struct {
	ID    int64  `json:"id"`
	From  int64  `json:"from"`
	To    int64  `json:"to"`
	Cents int64  `json:"cents"`
	Memo  string `json:"memo"`
	At    string `json:"at"`
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(body)
}

func refuse(w http.ResponseWriter, err error) {
	var r refusal
	if errors.As(err, &r) {
		answer(w, r.status, map[string]string{"detail": r.why})
		return
	}
	log.Print(err)
	answer(w, 503, map[string]string{"detail": err.Error()})
}

func (l *ledger) openAccount(w http.ResponseWriter, r *http.Request) {
	var a account
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<16)).Decode(&a); err != nil {
		refuse(w, refusal{400, err.Error()})
		return
	}
	if a.Owner == "" || len(a.Owner) > 100 || a.Cents < 0 {
		refuse(w, refusal{422, "an owner and cents of 0 or more are needed"})
		return
	}
	err := l.write.do(func(tx statements) error {
		res, err := tx.exec(insertAccount, a.Owner, a.Cents)
		if err == nil {
			a.ID, err = res.LastInsertId()
		}
		return err
	})
	if err != nil {
		refuse(w, err)
		return
	}
	answer(w, 201, a)
}

func (l *ledger) makeTransfer(w http.ResponseWriter, r *http.Request) {
	var t transfer
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<16)).Decode(&t); err != nil {
		refuse(w, refusal{400, err.Error()})
		return
	}
	key := r.Header.Get("Idempotency-Key")
	if key == "" || len(key) > 200 || t.Cents <= 0 || t.From == t.To || len(t.Memo) > 560 {
		refuse(w, refusal{422, "a key, cents above 0 and two accounts are needed"})
		return
	}
	if err := l.write.do(func(tx statements) error { return post(tx, &t, key) }); err != nil {
		refuse(w, err)
		return
	}
	answer(w, 200, t)
}

// Both legs, or none: the transaction is undone where this fails.
func post(tx statements, t *transfer, key string) error {
	var was transfer
	err := tx.row(findTransfer, key).Scan(&was.ID, &was.From, &was.To, &was.Cents, &was.Memo, &was.At)
	if err == nil {
		t.ID, t.At = was.ID, was.At
		if was != *t {
			return refusal{422, "this key belongs to another transfer"}
		}
		return nil
	}
	if err != sql.ErrNoRows {
		return err
	}
	from, err := change(tx, t.From, -t.Cents)
	if err != nil {
		return err
	}
	to, err := change(tx, t.To, t.Cents)
	if err != nil {
		return err
	}
	if err = tx.row(insertTransfer, key, t.From, t.To, t.Cents, t.Memo).Scan(&t.ID, &t.At); err != nil {
		return err
	}
	_, err = tx.exec(insertPostings, 2*t.ID-1, t.From, -t.Cents, from, 2*t.ID, t.To, t.Cents, to)
	return err
}

// Change a balance by so many cents, unless it would fall below 0: what it is then.
func change(tx statements, account, cents int64) (int64, error) {
	var balance, exists int64
	err := tx.row(changeBalance, cents, account, cents).Scan(&balance)
	if err != sql.ErrNoRows {
		return balance, err
	}
	if err = tx.row(findAccount, account).Scan(&exists); err == sql.ErrNoRows {
		return 0, refusal{404, fmt.Sprintf("there is no account %d", account)}
	} else if err != nil {
		return 0, err
	}
	return 0, refusal{409, fmt.Sprintf("account %d has not so much", account)}
}

func (l *ledger) showAccount(w http.ResponseWriter, r *http.Request) {
	var a account
	id, err := strconv.ParseInt(strings.TrimPrefix(r.URL.Path, "/accounts/"), 10, 64)
	if err != nil {
		refuse(w, refusal{404, "an account is a number"})
		return
	}
	err = l.balance.QueryRow(id).Scan(&a.ID, &a.Owner, &a.Cents)
	if err == sql.ErrNoRows {
		err = refusal{404, fmt.Sprintf("there is no account %d", id)}
	}
	if err != nil {
		refuse(w, err)
		return
	}
	answer(w, 200, a)
}

// As samples/ledger: 16 MiB, five times over.
func hash(password string, salt []byte) ([]byte, error) {
	return scrypt.Key([]byte(password), salt, 1<<14, 8, 5, 32)
}

// As many hash at once as the machine has time for: the scheduler of goroutines shares it out.
func (l *ledger) login(w http.ResponseWriter, r *http.Request) {
	var who struct{ User, Password string }
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<16)).Decode(&who); err != nil {
		refuse(w, refusal{400, err.Error()})
		return
	}
	hashed, err := hash(who.Password, l.salt)
	if err != nil {
		refuse(w, err)
		return
	}
	if who.User != "demo" || subtle.ConstantTimeCompare(hashed, l.hash) != 1 {
		refuse(w, refusal{401, "the user or the password is wrong"})
		return
	}
	token := make([]byte, 16)
	if _, err := rand.Read(token); err != nil {
		refuse(w, err)
		return
	}
	answer(w, 200, map[string]string{"token": hex.EncodeToString(token)})
}

func only(method string, handler http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Method != method {
			refuse(w, refusal{405, "wrong method"})
			return
		}
		handler(w, r)
	}
}

func open(path string) (*sql.DB, error) {
	return sql.Open("sqlite3", "file:"+path+
		"?_journal_mode=WAL&_synchronous=FULL&_busy_timeout=5000&_foreign_keys=on&_txlock=immediate")
}

func newLedger(path string, group bool) (*ledger, error) {
	l := &ledger{salt: make([]byte, 16)}
	write, err := open(path)
	if err != nil {
		return nil, err
	}
	write.SetMaxOpenConns(1)
	if _, err = write.Exec(schema); err != nil {
		return nil, err
	}
	if group {
		l.write, err = newGroups(write)
	} else {
		l.write, err = newAlone(write)
	}
	if err != nil {
		return nil, err
	}
	if l.read, err = open(path); err != nil {
		return nil, err
	}
	l.read.SetMaxOpenConns(4)
	l.read.SetMaxIdleConns(4)
	if l.balance, err = l.read.Prepare(
		"select id, owner, cents from accounts where id = ?"); err != nil {
		return nil, err
	}
	if _, err = rand.Read(l.salt); err != nil {
		return nil, err
	}
	l.hash, err = hash(password, l.salt)
	return l, err
}

func main() {
	group := flag.Bool("group", false, "let transfers that have come share a transaction")
	flag.Parse()
	if flag.NArg() != 2 {
		fmt.Fprintln(os.Stderr, "usage: server [--group] PORT DATABASE")
		os.Exit(2)
	}
	l, err := newLedger(flag.Arg(1), *group)
	if err != nil {
		log.Fatal(err)
	}
	http.HandleFunc("/accounts", only("POST", l.openAccount))
	http.HandleFunc("/accounts/", only("GET", l.showAccount))
	http.HandleFunc("/transfers", only("POST", l.makeTransfer))
	http.HandleFunc("/login", only("POST", l.login))
	server := http.Server{Addr: "127.0.0.1:" + flag.Arg(0), IdleTimeout: time.Hour}
	log.Fatal(server.ListenAndServe())
}
