// CoreDNS itself, with the plugins that the tests need: the whole of it compiles for many minutes more.
package main

import (
	"github.com/coredns/coredns/core/dnsserver"
	"github.com/coredns/coredns/coremain"

	_ "github.com/coredns/coredns/plugin/cache"
	_ "github.com/coredns/coredns/plugin/errors"
	_ "github.com/coredns/coredns/plugin/forward"
	_ "github.com/coredns/coredns/plugin/kubernetes"
	_ "github.com/coredns/coredns/plugin/ready"
	_ "github.com/coredns/coredns/plugin/reload"
	_ "github.com/coredns/coredns/plugin/rewrite"
	_ "github.com/coredns/coredns/plugin/template"
	_ "github.com/coredns/coredns/plugin/view"
)

func init() {
	// In CoreDNS's own order, core/dnsserver/zdirectives.go.
	dnsserver.Directives = []string{"reload", "ready", "errors", "cache", "rewrite", "template", "kubernetes", "forward", "view"}
}

func main() { coremain.Run() }
