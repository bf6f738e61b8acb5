package main

import (
	"net/http"

	"github.com/gorilla/websocket"
)

type client struct {
	conn *websocket.Conn
	send chan *websocket.PreparedMessage
}

type room struct {
	clients map[*client]bool
	join    chan *client
	leave   chan *client
	message chan *websocket.PreparedMessage
}

var upgrader = websocket.Upgrader{}

func newRoom() *room {
	return &room{
		clients: map[*client]bool{},
		join:    make(chan *client),
		leave:   make(chan *client),
		message: make(chan *websocket.PreparedMessage),
	}
}

func (r *room) remove(c *client) {
	if r.clients[c] {
		delete(r.clients, c)
		close(c.send)
	}
}

func (r *room) run() {
	for {
		select {
		case c := <-r.join:
			r.clients[c] = true
		case c := <-r.leave:
			r.remove(c)
		case m := <-r.message:
			for c := range r.clients {
				select {
				case c.send <- m:
				default: // too slow
					r.remove(c)
				}
			}
		}
	}
}

func (c *client) write() {
	defer c.conn.Close()
	for m := range c.send {
		if c.conn.WritePreparedMessage(m) != nil {
			return
		}
	}
}

func (r *room) serve(w http.ResponseWriter, req *http.Request) {
	conn, err := upgrader.Upgrade(w, req, nil)
	if err != nil {
		return
	}
	c := &client{conn, make(chan *websocket.PreparedMessage, 256)}
	r.join <- c
	go c.write()
	defer func() { r.leave <- c }()
	for {
		kind, data, err := conn.ReadMessage()
		if err != nil {
			return
		}
		m, err := websocket.NewPreparedMessage(kind, data)
		if err != nil {
			return
		}
		r.message <- m
	}
}
