// Go's side of ./dev bench --client: net/http, a goroutine for each request in flight, one thread.
package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
)

const expected = "Hello, World!"

func fetch(client *http.Client, url string) bool {
	response, err := client.Get(url)
	if err != nil {
		return false
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return err == nil && response.StatusCode == 200 && string(body) == expected
}

func fetchAll(client *http.Client, url string, inFlight, requests int64) (right, wrong int64) {
	var all sync.WaitGroup
	left := requests
	for i := int64(0); i < inFlight; i++ {
		all.Add(1)
		go func() {
			defer all.Done()
			for atomic.AddInt64(&left, -1) >= 0 {
				if fetch(client, url) {
					atomic.AddInt64(&right, 1)
				} else {
					atomic.AddInt64(&wrong, 1)
				}
			}
		}()
	}
	all.Wait()
	return
}

func cpu() (user, sys float64) {
	var u syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return float64(u.Utime.Sec) + float64(u.Utime.Usec)/1e6,
		float64(u.Stime.Sec) + float64(u.Stime.Usec)/1e6
}

func main() {
	runtime.GOMAXPROCS(1)
	requests, _ := strconv.ParseInt(os.Args[2], 10, 64)
	inFlight, _ := strconv.ParseInt(os.Args[3], 10, 64)
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = int(inFlight)
	transport.MaxIdleConns = int(inFlight)
	client := &http.Client{Transport: transport}
	fetchAll(client, os.Args[1], inFlight, inFlight*10) // connections are there then
	user, sys := cpu()
	right, wrong := fetchAll(client, os.Args[1], inFlight, requests)
	userAfter, sysAfter := cpu()
	fmt.Printf("requests %d errors %d client_user %f client_sys %f\n", right, wrong,
		userAfter-user, sysAfter-sys)
}
