// Go's side of ./dev bench --http: net/http, encoding/json, checks by hand; one thread.
// Rooms as in the chat example of gorilla/websocket: room.go.
package main

import (
	"encoding/json"
	"log"
	"net/http"
	"os"
	"runtime"
	"time"
)

type order struct {
	Name     *string  `json:"name"`
	Price    *float64 `json:"price"`
	Quantity *int64   `json:"quantity"`
	Color    *string  `json:"color"`
	IsGift   bool     `json:"is_gift"`
	Note     string   `json:"note"`
}

type total struct {
	Name     string  `json:"name"`
	Total    float64 `json:"total"`
	Quantity int64   `json:"quantity"`
}

func hello(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Write([]byte("Hello, World!"))
}

func wrong(o *order) bool {
	return o.Name == nil || len(*o.Name) < 1 || len(*o.Name) > 80 ||
		o.Price == nil || *o.Price <= 0 ||
		o.Quantity == nil || *o.Quantity < 1 || *o.Quantity > 1000 ||
		o.Color == nil || (*o.Color != "red" && *o.Color != "green" && *o.Color != "blue") ||
		len(o.Note) > 200
}

func takeOrder(w http.ResponseWriter, r *http.Request) {
	var o order
	if err := json.NewDecoder(r.Body).Decode(&o); err != nil {
		http.Error(w, err.Error(), 400)
		return
	}
	if wrong(&o) {
		http.Error(w, "wrong", 422)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(total{*o.Name, *o.Price * float64(*o.Quantity), *o.Quantity})
}

func main() {
	runtime.GOMAXPROCS(1)
	http.HandleFunc("/", hello)
	http.HandleFunc("/orders", takeOrder)
	r := newRoom()
	go r.run()
	http.HandleFunc("/room", r.serve)
	server := http.Server{Addr: "127.0.0.1:" + os.Args[1], IdleTimeout: time.Hour}
	log.Fatal(server.ListenAndServe())
}
