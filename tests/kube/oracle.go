package main

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"sort"
	"strconv"

	core "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/kubernetes/pkg/proxy"
)

// A question: which of these endpoints does kube-proxy use on this node?
type question struct {
	Node struct {
		Name string `json:"name"`
		Zone string `json:"zone"`
	} `json:"node"`
	Endpoints []endpoint `json:"endpoints"`
}

type endpoint struct {
	Address     string   `json:"address"`
	PortNumber  int      `json:"port"`
	Ready       bool     `json:"ready"`
	Serving     bool     `json:"serving"`
	Terminating bool     `json:"terminating"`
	ForNodes    []string `json:"forNodes"`
	ForZones    []string `json:"forZones"`
}

func (e endpoint) String() string              { return net.JoinHostPort(e.Address, strconv.Itoa(e.PortNumber)) }
func (e endpoint) IP() string                  { return e.Address }
func (e endpoint) Port() int                   { return e.PortNumber }
func (e endpoint) IsLocal() bool               { return false }
func (e endpoint) IsReady() bool               { return e.Ready }
func (e endpoint) IsServing() bool             { return e.Serving }
func (e endpoint) IsTerminating() bool         { return e.Terminating }
func (e endpoint) ZoneHints() sets.Set[string] { return hints(e.ForZones) }
func (e endpoint) NodeHints() sets.Set[string] { return hints(e.ForNodes) }

func hints(names []string) sets.Set[string] {
	if len(names) == 0 {
		return nil
	}
	return sets.New(names...)
}

// clusterIP is a Service port without any policy of its own.
type clusterIP struct{ proxy.ServicePort }

func (clusterIP) UsesClusterEndpoints() bool { return true }
func (clusterIP) UsesLocalEndpoints() bool   { return false }
func (clusterIP) String() string             { return "oracle" }

// runOracle answers questions, one JSON document each, with kube-proxy's own code: a sorted list of ip:port.
func runOracle() int {
	in, out := json.NewDecoder(os.Stdin), json.NewEncoder(os.Stdout)
	for in.More() {
		var asked question
		if err := in.Decode(&asked); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		labels := map[string]string{}
		if asked.Node.Zone != "" {
			labels[core.LabelTopologyZone] = asked.Node.Zone
		}
		endpoints := []proxy.Endpoint{}
		for _, each := range asked.Endpoints {
			endpoints = append(endpoints, each)
		}
		used, _, _, _ := proxy.CategorizeEndpoints(endpoints, clusterIP{}, asked.Node.Name, labels)
		answer := []string{}
		for _, each := range used {
			answer = append(answer, each.String())
		}
		sort.Strings(answer)
		out.Encode(answer)
	}
	return 0
}
