// What goroutines share: mutex, semaphore, queue; and gather and cancelstorm.
package main

import (
	"context"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"
)

func mutex(n int) {
	var mu sync.Mutex
	for i := 0; i < n; i++ {
		mu.Lock()
		mu.Unlock()
	}
}

// Two goroutines give each other a permit; a semaphore is a channel of permits.
func semaphoreChannel(n int) {
	turn := [2]chan struct{}{make(chan struct{}, 1), make(chan struct{}, 1)}
	turn[0] <- struct{}{}
	var wg sync.WaitGroup
	wg.Add(2)
	for me := range turn {
		go func(take, give chan struct{}) {
			for i := 0; i < n/2; i++ {
				<-take
				give <- struct{}{}
			}
			wg.Done()
		}(turn[me], turn[1-me])
	}
	wg.Wait()
}

// The same with the semaphore of golang.org/x/sync, whose permits are all free at first.
func semaphoreWeighted(n int) {
	ctx := context.Background()
	turn := [2]*semaphore.Weighted{semaphore.NewWeighted(1), semaphore.NewWeighted(1)}
	check(turn[1].TryAcquire(1), "semaphore")
	var wg sync.WaitGroup
	wg.Add(2)
	for me := range turn {
		go func(take, give *semaphore.Weighted) {
			for i := 0; i < n/2; i++ {
				check(take.Acquire(ctx, 1) == nil, "semaphore")
				give.Release(1)
			}
			wg.Done()
		}(turn[me], turn[1-me])
	}
	wg.Wait()
}

func queue(n int) {
	items := make(chan int, 64)
	go func() {
		for i := 0; i < n; i++ {
			items <- i
		}
		close(items)
	}()
	expected := 0
	for item := range items {
		check(item == expected, "queue")
		expected++
	}
	check(expected == n, "queue")
}

func gather(n int) {
	var wg sync.WaitGroup
	wg.Add(n)
	for i := 0; i < n; i++ {
		go func() {
			time.Sleep(time.Millisecond)
			wg.Done()
		}()
	}
	wg.Wait()
}

// What time.Sleep is when it can be cancelled.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

func fallAsleep(n int) (context.CancelFunc, *sync.WaitGroup) {
	var begun, ended sync.WaitGroup
	ctx, cancel := context.WithCancel(context.Background())
	begun.Add(n)
	ended.Add(n)
	for i := 0; i < n; i++ {
		go func() {
			begun.Done()
			check(sleep(ctx, time.Hour) == context.Canceled, "cancelstorm")
			ended.Done()
		}()
	}
	begun.Wait()
	return cancel, &ended
}
