// Package containers is what the API server finds of a kubelet: it runs commands in containers.
package containers

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"strconv"
	"strings"
	"syscall"

	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/util/cert"
	"k8s.io/streaming/pkg/httpstream/wsstream"
)

// Reached is the name under which the API server finds every stand-in: the tests tell it to ask for this type of
// address (--kubelet-preferred-address-types), of which no test makes anything else.
const Reached = "localhost"

// Listen serves what the API server asks of a kubelet: `exec` by WebSocket. A command is run on this machine, where it
// can be seen to end with its connection; the images of tests are none. The port.
func Listen(ctx context.Context, exists func(pod string) bool) (int, error) {
	certificate, key, err := cert.GenerateSelfSignedCertKey(Reached, nil, nil)
	if err != nil {
		return 0, err
	}
	pair, err := tls.X509KeyPair(certificate, key)
	if err != nil {
		return 0, err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/exec/{namespace}/{pod}/{container}", func(w http.ResponseWriter, request *http.Request) {
		if !exists(request.PathValue("namespace") + "/" + request.PathValue("pod")) {
			http.Error(w, "pod does not exist", http.StatusNotFound)
			return
		}
		run(w, request)
	})
	server := &http.Server{Handler: mux, TLSConfig: &tls.Config{Certificates: []tls.Certificate{pair}}}
	go func() { fmt.Println(server.ServeTLS(listener, "", "")) }()
	go func() { <-ctx.Done(); server.Close() }()
	return listener.Addr().(*net.TCPAddr).Port, nil
}

func run(w http.ResponseWriter, request *http.Request) {
	words := request.URL.Query()["command"]
	write, read := wsstream.WriteChannel, wsstream.ReadChannel
	connection := wsstream.NewConn(map[string]wsstream.ChannelProtocolConfig{
		"v4.channel.k8s.io": {Binary: true, Channels: []wsstream.ChannelType{read, write, write, write, read}},
	})
	_, streams, err := connection.Open(w, request)
	if err != nil || len(words) == 0 {
		return
	}
	defer connection.Close()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() { // the end of what the caller may send is the end of the caller
		_, _ = io.Copy(io.Discard, streams[0])
		cancel()
	}()
	command := exec.CommandContext(ctx, words[0], words[1:]...)
	command.Stdout, command.Stderr = streams[1], streams[2]
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	command.Cancel = func() error { return syscall.Kill(-command.Process.Pid, syscall.SIGKILL) }
	body, _ := json.Marshal(statusOf(command.Run()))
	_, _ = streams[3].Write(body)
}

// statusOf says how a command ended, in the words of a kubelet.
func statusOf(err error) meta.Status {
	if err == nil {
		return meta.Status{Status: meta.StatusSuccess}
	}
	var ended *exec.ExitError
	if !errors.As(err, &ended) {
		text := "Internal error occurred: error executing command in container: " + err.Error()
		return meta.Status{Status: meta.StatusFailure, Reason: meta.StatusReasonInternalError, Code: 500, Message: text}
	}
	code := ended.ExitCode()
	if status, ok := ended.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		code = 128 + int(status.Signal())
	}
	causes := []meta.StatusCause{{Type: "ExitCode", Message: strconv.Itoa(code)}}
	text := strings.TrimSpace("command terminated with non-zero exit code: " + err.Error())
	return meta.Status{Status: meta.StatusFailure, Reason: "NonZeroExitCode", Message: text,
		Details: &meta.StatusDetails{Causes: causes}}
}
