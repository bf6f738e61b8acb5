// wordcount: the words of a file, counted by a goroutine for each core.
//
//	wordcount TOP FILE	prints the TOP most frequent words, as `uniq -c | sort -rn` does
//
// One goroutine reads blocks of whole words; each of the others has a map of its own, and at the
// end the maps are merged.
package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"runtime"
	"sort"
	"strconv"
	"sync"
)

const blockSize = 1 << 20

var small [256]byte // the small letter; 0: no letter

func init() {
	for c := 'a'; c <= 'z'; c++ {
		small[c] = byte(c)
		small[c-'a'+'A'] = byte(c)
	}
}

// read sends blocks of whole words; blocks that were counted come back in free.
func read(file io.Reader, blocks chan<- []byte, free chan []byte) error {
	defer close(blocks)
	var rest []byte
	for {
		block := <-free
		n := copy(block[:cap(block)], rest)
		m, err := io.ReadFull(file, block[n:cap(block)])
		block = block[:n+m]
		whole := len(block)
		if err == nil { // at the end of the file a word ends, too
			for whole > 0 && small[block[whole-1]] != 0 {
				whole--
			}
			if whole == 0 {
				return fmt.Errorf("a word is longer than %d letters", blockSize)
			}
		}
		rest = append(rest[:0], block[whole:]...)
		blocks <- block[:whole]
		if err == io.EOF || err == io.ErrUnexpectedEOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func count(blocks <-chan []byte, free chan<- []byte) map[string]*int {
	counts := make(map[string]*int)
	word := make([]byte, 0, 64)
	add := func() {
		if n, ok := counts[string(word)]; ok { // no copy, the compiler sees to that
			*n++
		} else {
			one := 1
			counts[string(word)] = &one
		}
		word = word[:0]
	}
	for block := range blocks {
		for _, c := range block {
			if letter := small[c]; letter != 0 {
				word = append(word, letter)
			} else if len(word) > 0 {
				add()
			}
		}
		if len(word) > 0 {
			add()
		}
		free <- block[:0]
	}
	return counts
}

func merge(maps []map[string]*int) map[string]*int {
	all := maps[0]
	for _, counts := range maps[1:] {
		for word, n := range counts {
			if sum, ok := all[word]; ok {
				*sum += *n
			} else {
				all[word] = n
			}
		}
	}
	return all
}

func print(counts map[string]*int, top int) error {
	words := make([]string, 0, len(counts))
	for word := range counts {
		words = append(words, word)
	}
	sort.Slice(words, func(i, j int) bool {
		a, b := *counts[words[i]], *counts[words[j]]
		return a > b || a == b && words[i] < words[j]
	})
	if top > len(words) {
		top = len(words)
	}
	out := bufio.NewWriter(os.Stdout)
	for _, word := range words[:top] {
		fmt.Fprintf(out, "%7d %s\n", *counts[word], word)
	}
	return out.Flush()
}

func run(top int, path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	workers := runtime.GOMAXPROCS(0)
	blocks, free := make(chan []byte, workers), make(chan []byte, 3*workers)
	for i := 0; i < cap(free); i++ {
		free <- make([]byte, 0, blockSize)
	}
	maps := make([]map[string]*int, workers)
	var counting sync.WaitGroup
	for i := range maps {
		counting.Add(1)
		go func(i int) {
			defer counting.Done()
			maps[i] = count(blocks, free)
		}(i)
	}
	err = read(file, blocks, free)
	counting.Wait()
	if err != nil {
		return err
	}
	return print(merge(maps), top)
}

func main() {
	top, err := 0, error(nil)
	if len(os.Args) != 3 {
		err = fmt.Errorf("usage: wordcount TOP FILE")
	} else if top, err = strconv.Atoi(os.Args[1]); err == nil {
		err = run(top, os.Args[2])
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "wordcount:", err)
		os.Exit(1)
	}
}
