//go:build before133

package main

import (
	core "k8s.io/api/core/v1"
	"k8s.io/kubernetes/pkg/proxy"
)

func newTracker(family core.IPFamily, node string) *proxy.EndpointsChangeTracker {
	return proxy.NewEndpointsChangeTracker(node, nil, family, nil, nil)
}

func categorize(
	endpoints []proxy.Endpoint, port proxy.ServicePort, _ string, labels map[string]string,
) []proxy.Endpoint {
	_, _, reached, _ := proxy.CategorizeEndpoints(endpoints, port, labels)
	return reached
}
