package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/vishvananda/netns"
)

// A source is a namespace that calls; it says so as `name=namespace`.
type source struct{ name, namespace string }

// A result is one connection: who called when, who answered or why nobody did.
type result struct {
	Source string  `json:"source"`
	Start  float64 `json:"start"` // seconds since the epoch
	Millis float64 `json:"millis"`
	Node   string  `json:"node,omitempty"`
	Pod    string  `json:"pod,omitempty"`
	Error  string  `json:"error,omitempty"` // refused, timeout, reset or the words of the error
}

// runTraffic calls a target from every source until each has made its connections, or standard input ends; one JSON
// line for each connection. Sources are read from standard input, one a line, until an empty line; more may follow.
func runTraffic() int {
	target := flag.String("target", "", "host:port to call")
	count := flag.Int("count", 0, "connections of each source; 0: until standard input ends")
	pause := flag.Duration("pause", 0, "between two connections of a source")
	patience := flag.Duration("patience", 2*time.Second, "how long a connection may take")
	flag.Parse()
	home, err := netns.Get()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	results, done := make(chan result, 1000), make(chan struct{})
	written := make(chan struct{})
	go write(results, written)
	var group sync.WaitGroup
	running := map[string]chan struct{}{}
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		name, namespace, _ := strings.Cut(lines.Text(), "=")
		if name == "" {
			break
		}
		if gone, ok := strings.CutPrefix(name, "-"); ok {
			if stop := running[gone]; stop != nil {
				close(stop)
				delete(running, gone)
			}
			continue
		}
		stop := make(chan struct{})
		running[name] = stop
		group.Add(1)
		go func() {
			defer group.Done()
			calls(home, source{name, namespace}, *target, *count, *pause, *patience, results, stop, done)
		}()
	}
	if *count == 0 {
		close(done)
	}
	group.Wait()
	close(results)
	<-written
	return 0
}

func write(results <-chan result, written chan<- struct{}) {
	out := bufio.NewWriterSize(os.Stdout, 1<<16)
	encoder := json.NewEncoder(out)
	for each := range results {
		encoder.Encode(each)
		if len(results) == 0 {
			out.Flush()
		}
	}
	out.Flush()
	close(written)
}

func calls(home netns.NsHandle, from source, target string, count int, pause, patience time.Duration,
	results chan<- result, stop, done <-chan struct{}) {
	err := within(home, from.namespace, func() error {
		for made := 0; count == 0 || made < count; made++ {
			select {
			case <-stop:
				return nil
			case <-done:
				return nil
			default:
			}
			results <- call(from.name, target, patience)
			time.Sleep(pause)
		}
		return nil
	})
	if err != nil {
		results <- result{Source: from.name, Error: err.Error()}
	}
}

// call makes one connection, on this very thread, so that it begins in this thread's namespace.
func call(from, target string, patience time.Duration) result {
	start := time.Now()
	node, pod, err := ask(target, start.Add(patience))
	made := result{Source: from, Start: float64(start.UnixMicro()) / 1e6, Millis: float64(time.Since(start).Microseconds()) / 1e3, Node: node, Pod: pod}
	if err != nil {
		made.Error = reason(err)
	}
	return made
}

func ask(target string, deadline time.Time) (node, pod string, err error) {
	dialer := net.Dialer{Deadline: deadline, KeepAlive: -1}
	connection, err := dialer.Dial("tcp", target)
	if err != nil {
		return "", "", err
	}
	defer connection.Close()
	connection.SetDeadline(deadline)
	if _, err = io.WriteString(connection, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"); err != nil {
		return "", "", err
	}
	reply, err := io.ReadAll(connection)
	if err != nil {
		return "", "", err
	}
	_, body, _ := strings.Cut(string(reply), "\r\n\r\n")
	node, pod, _ = strings.Cut(strings.TrimSpace(body), " ")
	if node == "" {
		return "", "", errors.New("empty answer")
	}
	return node, pod, nil
}

func reason(err error) string {
	var timeout net.Error
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return "refused"
	case errors.Is(err, syscall.ECONNRESET):
		return "reset"
	case errors.As(err, &timeout) && timeout.Timeout():
		return "timeout"
	}
	return err.Error()
}
