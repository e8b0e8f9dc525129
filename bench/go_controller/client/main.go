// Writes Deployments by client-go, many at once: what `bench/client.py` measures our own client against. It reads a JSON
// list of manifests from standard input and prints the milliseconds that the writes took and the CPU seconds of its own.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"os"
	"sync"
	"syscall"
	"time"

	apps "k8s.io/api/apps/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	typed "k8s.io/client-go/kubernetes/typed/apps/v1"
	"k8s.io/client-go/tools/clientcmd"
)

func main() {
	kubeconfig := flag.String("kubeconfig", "", "path of the kubeconfig")
	verb := flag.String("verb", "create", "create, or apply by server-side apply")
	workers := flag.Int("workers", 32, "how many writes at once")
	flag.Parse()
	config, err := clientcmd.BuildConfigFromFlags("", *kubeconfig)
	must(err)
	config.QPS = -1
	client, err := kubernetes.NewForConfig(config)
	must(err)
	var bodies []json.RawMessage
	must(json.NewDecoder(os.Stdin).Decode(&bodies))
	deployments := client.AppsV1().Deployments("default")
	_, err = deployments.Get(context.Background(), "none", meta.GetOptions{}) // the connection is there
	if err == nil {
		log.Fatal("there is a Deployment “none”")
	}

	queue := make(chan json.RawMessage, len(bodies))
	for _, each := range bodies {
		queue <- each
	}
	close(queue)
	before, since := cpu(), time.Now()
	var group sync.WaitGroup
	for range *workers {
		group.Go(func() {
			for each := range queue {
				write(deployments, *verb, each)
			}
		})
	}
	group.Wait()
	taken := time.Since(since)
	must(json.NewEncoder(os.Stdout).Encode(map[string]float64{
		"milliseconds": float64(taken.Microseconds()) / 1000,
		"cpu":          cpu() - before,
	}))
}

func write(deployments typed.DeploymentInterface, verb string, body json.RawMessage) {
	var wanted apps.Deployment
	must(json.Unmarshal(body, &wanted))
	var err error
	if verb == "create" {
		_, err = deployments.Create(context.Background(), &wanted, meta.CreateOptions{FieldManager: "bench"})
	} else {
		force := true
		options := meta.PatchOptions{FieldManager: "bench", Force: &force}
		_, err = deployments.Patch(context.Background(), wanted.Name, types.ApplyPatchType, body, options)
	}
	must(err)
}

func cpu() float64 {
	var used syscall.Rusage
	must(syscall.Getrusage(syscall.RUSAGE_SELF, &used))
	return float64(used.Utime.Nano()+used.Stime.Nano()) / 1e9
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
