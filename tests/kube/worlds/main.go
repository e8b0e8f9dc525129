// Command worlds answers what a kube-proxy does with EndpointSlices, with kube-proxy's own code: its cache of slices,
// whose order is Go's random order of maps, and its choice of endpoints. It is compiled with one version of Kubernetes
// after the other; see before133.go for what differs.
package main

import (
	"encoding/json"
	"fmt"
	"math/rand"
	"os"
	"sort"
	"strings"

	core "k8s.io/api/core/v1"
	discovery "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/kubernetes/pkg/proxy"
)

// A question: which endpoints may the kube-proxy of this node use at this port? It is asked `rounds` times.
type question struct {
	Node struct {
		Name string `json:"name"`
		Zone string `json:"zone"`
	} `json:"node"`
	Family string `json:"family"`
	Port   struct {
		Name     string `json:"name"`
		Protocol string `json:"protocol"`
	} `json:"port"`
	Namespace string                    `json:"namespace"`
	Service   string                    `json:"service"`
	Hints     string                    `json:"hints"` // the annotation service.kubernetes.io/topology-mode
	Local     bool                      `json:"local"` // internalTrafficPolicy
	Slices    []discovery.EndpointSlice `json:"slices"`
	Rounds    int                       `json:"rounds"`
}

// clusterIP is a Service port that nobody outside the cluster reaches.
type clusterIP struct {
	proxy.ServicePort
	hints string
	local bool
}

func (c clusterIP) UsesClusterEndpoints() bool { return !c.local }
func (c clusterIP) UsesLocalEndpoints() bool   { return c.local }
func (clusterIP) String() string               { return "worlds" }
func (c clusterIP) HintsAnnotation() string    { return c.hints }

// main answers questions, one JSON document each: the distinct answers that were met, each a sorted list of ip:port.
func main() {
	in, out := json.NewDecoder(os.Stdin), json.NewEncoder(os.Stdout)
	for in.More() {
		var asked question
		if err := in.Decode(&asked); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		met := map[string][]string{}
		for range max(asked.Rounds, 1) {
			answer := once(&asked)
			met[strings.Join(answer, " ")] = answer
		}
		answers := [][]string{}
		for _, each := range met {
			answers = append(answers, each)
		}
		sort.Slice(answers, func(i, j int) bool { return fmt.Sprint(answers[i]) < fmt.Sprint(answers[j]) })
		out.Encode(answers)
	}
}

func once(asked *question) []string {
	rand.Shuffle(len(asked.Slices), func(i, j int) {
		asked.Slices[i], asked.Slices[j] = asked.Slices[j], asked.Slices[i]
	})
	tracker := newTracker(core.IPFamily(asked.Family), asked.Node.Name)
	for i := range asked.Slices {
		tracker.EndpointSliceUpdate(&asked.Slices[i], false)
	}
	known := proxy.EndpointsMap{}
	known.Update(tracker)
	name := proxy.ServicePortName{
		NamespacedName: types.NamespacedName{Namespace: asked.Namespace, Name: asked.Service},
		Port:           asked.Port.Name,
		Protocol:       core.Protocol(asked.Port.Protocol),
	}
	labels := map[string]string{}
	if asked.Node.Zone != "" {
		labels[core.LabelTopologyZone] = asked.Node.Zone
	}
	answer := []string{}
	for _, each := range categorize(known[name], clusterIP{hints: asked.Hints, local: asked.Local}, asked.Node.Name, labels) {
		answer = append(answer, each.String())
	}
	sort.Strings(answer)
	return answer
}
