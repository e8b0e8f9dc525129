package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	core "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
)

// A fabric is a network of its own in namespaces: one per node, one per pod, a switch between the nodes. Nothing in it
// has a route to the machine's own network. A node reaches the API server on its own 127.0.0.1, through this process.
type fabric struct {
	prefix, api string
	home        netns.NsHandle

	mu    sync.Mutex
	nodes map[string]*site
	pods  map[types.UID]*server
}

type site struct {
	index   int
	podCIDR *net.IPNet
	forward net.Listener
}

type server struct {
	namespace string
	listeners []net.Listener
}

const switchIP = "172.30.255.254"

func newFabric(prefix, api string) (*fabric, error) {
	home, err := netns.Get()
	if err != nil {
		return nil, err
	}
	f := &fabric{prefix: prefix, api: api, home: home, nodes: map[string]*site{}, pods: map[types.UID]*server{}}
	if err := f.make(f.name("switch")); err != nil {
		return nil, err
	}
	return f, f.in(f.name("switch"), func() error {
		bridge := &netlink.Bridge{LinkAttrs: netlink.LinkAttrs{Name: "br0"}}
		if err := netlink.LinkAdd(bridge); err != nil {
			return err
		}
		return netlink.LinkSetUp(bridge)
	})
}

func (f *fabric) name(part string) string { return f.prefix + "-" + part }

func (f *fabric) nodeIP(name string) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	if node := f.nodes[name]; node != nil {
		return nodeNumber(node.index)
	}
	return ""
}

func nodeNumber(index int) string { return fmt.Sprintf("172.30.%d.%d", (index+1)/250, 1+(index+1)%250) }

// make makes a named namespace with its loopback up.
func (f *fabric) make(name string) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	handle, err := netns.NewNamed(name)
	defer netns.Set(f.home)
	if err != nil {
		return fmt.Errorf("namespace %s: %w", name, err)
	}
	defer handle.Close()
	loopback, err := netlink.LinkByName("lo")
	if err != nil {
		return err
	}
	return netlink.LinkSetUp(loopback)
}

// in runs something in a namespace. What it opens there stays there.
func (f *fabric) in(name string, do func() error) error { return within(f.home, name, do) }

func within(home netns.NsHandle, name string, do func() error) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	handle, err := netns.GetFromName(name)
	if err != nil {
		return fmt.Errorf("namespace %s: %w", name, err)
	}
	defer handle.Close()
	if err := netns.Set(handle); err != nil {
		return err
	}
	defer netns.Set(home)
	return do()
}

// connect joins two namespaces by a pair of devices.
func (f *fabric) connect(from, device, to, peer string) error {
	handle, err := netns.GetFromName(to)
	if err != nil {
		return err
	}
	defer handle.Close()
	return f.in(from, func() error {
		pair := &netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: device, MTU: 1500}, PeerName: peer, PeerNamespace: netlink.NsFd(handle)}
		return netlink.LinkAdd(pair)
	})
}

func up(device string, address string) error {
	link, err := netlink.LinkByName(device)
	if err != nil {
		return err
	}
	if address != "" {
		parsed, err := netlink.ParseAddr(address)
		if err != nil {
			return err
		}
		if err := netlink.AddrReplace(link, parsed); err != nil {
			return err
		}
	}
	return netlink.LinkSetUp(link)
}

func route(to, via, device string, onlink bool) error {
	link, err := netlink.LinkByName(device)
	if err != nil {
		return err
	}
	made := &netlink.Route{LinkIndex: link.Attrs().Index}
	if to != "" {
		if _, made.Dst, err = net.ParseCIDR(to); err != nil {
			return err
		}
	}
	if via == "" {
		made.Scope = netlink.SCOPE_LINK
	} else {
		made.Gw = net.ParseIP(via)
	}
	if onlink {
		made.SetFlag(netlink.FLAG_ONLINK)
	}
	return netlink.RouteReplace(made)
}

func (f *fabric) addNode(name, podCIDR string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.nodes[name] != nil {
		return nil
	}
	_, cidr, err := net.ParseCIDR(podCIDR)
	if err != nil {
		return fmt.Errorf("node %s: podCIDR: %w", name, err)
	}
	node := &site{index: len(f.nodes), podCIDR: cidr}
	space, device := f.name(name), fmt.Sprintf("n%d", node.index)
	if err := f.make(space); err != nil {
		return err
	}
	if err := f.connect(f.name("switch"), device, space, "eth0"); err != nil {
		return err
	}
	err = f.in(f.name("switch"), func() error {
		link, err := netlink.LinkByName(device)
		if err != nil {
			return err
		}
		bridge, err := netlink.LinkByName("br0")
		if err != nil {
			return err
		}
		return errors.Join(netlink.LinkSetMaster(link, bridge), netlink.LinkSetUp(link))
	})
	if err != nil {
		return err
	}
	err = f.in(space, func() error {
		if err := up("eth0", nodeNumber(node.index)+"/16"); err != nil {
			return err
		}
		if err := route("", switchIP, "eth0", false); err != nil {
			return err
		}
		if err := sysctl("net/ipv4/ip_forward", "1"); err != nil {
			return err
		}
		if err := forgetful(); err != nil {
			return err
		}
		node.forward, err = net.Listen("tcp", "127.0.0.1:6443")
		return err
	})
	if err != nil {
		return err
	}
	go f.serveAPI(node.forward)
	for other, there := range f.nodes {
		if err := f.routes(space, there); err != nil {
			return err
		}
		if err := f.routes(f.name(other), node); err != nil {
			return err
		}
	}
	f.nodes[name] = node
	return nil
}

func (f *fabric) routes(space string, to *site) error {
	return f.in(space, func() error { return route(to.podCIDR.String(), nodeNumber(to.index), "eth0", false) })
}

// forgetful has a node forget connections that are over. A caller here comes round to the same port within two minutes,
// as no real one does; where conntrack still remembers a call that a pod left unanswered as it ended (two minutes by
// default; ten seconds where the pod had closed its port already, which the kernel does not take for an end either),
// the next from that port is sent to that pod's address again, whatever kube-proxy's rules say by then.
func forgetful() error {
	seconds := map[string]string{
		"time_wait": "1", "syn_sent": "2", "syn_recv": "2", "fin_wait": "2", "close_wait": "2", "last_ack": "2",
		"close": "2",
	}
	for state, value := range seconds {
		if err := sysctl("net/netfilter/nf_conntrack_tcp_timeout_"+state, value); err != nil {
			return err
		}
	}
	return nil
}

func sysctl(name, value string) error {
	return os.WriteFile(filepath.Join("/proc/sys", name), []byte(value), 0o644)
}

func (f *fabric) serveAPI(listener net.Listener) {
	for {
		near, err := listener.Accept()
		if err != nil {
			return
		}
		go func() {
			defer near.Close()
			far, err := net.Dial("tcp", f.api)
			if err != nil {
				return
			}
			defer far.Close()
			go func() { io.Copy(far, near); far.(*net.TCPConn).CloseWrite() }()
			io.Copy(near, far)
		}()
	}
}

// addPod gives a pod a namespace with its address, and a server on each of its ports that says who answers.
func (f *fabric) addPod(pod *core.Pod, address string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.pods[pod.UID] != nil {
		return nil
	}
	node := f.nodes[pod.Spec.NodeName]
	if node == nil {
		return fmt.Errorf("node %s has no namespace yet", pod.Spec.NodeName)
	}
	id := strings.ReplaceAll(string(pod.UID), "-", "")[:10]
	space, host, gateway := f.name(id), f.name(pod.Spec.NodeName), next(node.podCIDR.IP.To4()).String()
	if err := f.make(space); err != nil {
		return err
	}
	made := &server{namespace: space}
	f.pods[pod.UID] = made
	if err := f.connect(host, "v"+id, space, "eth0"); err != nil {
		return err
	}
	err := f.in(host, func() error {
		return errors.Join(up("v"+id, gateway+"/32"), route(address+"/32", "", "v"+id, false))
	})
	if err != nil {
		return err
	}
	return f.in(space, func() error {
		// A node's calls reach a pod from ports that masquerading picks at random. One that comes again while the pod
		// still waits out a connection from it (60 s) is not answered for a second, or longer, if its timestamp is the older.
		if err := sysctl("net/ipv4/tcp_max_tw_buckets", "0"); err != nil {
			return err
		}
		if err := errors.Join(up("eth0", address+"/32"), route(gateway+"/32", "", "eth0", false), route("", gateway, "eth0", true)); err != nil {
			return err
		}
		for _, port := range ports(pod) {
			listener, err := net.Listen("tcp", fmt.Sprintf("%s:%d", address, port))
			if err != nil {
				return err
			}
			made.listeners = append(made.listeners, listener)
			go answer(listener, pod.Spec.NodeName+" "+pod.Name)
		}
		return nil
	})
}

func ports(pod *core.Pod) []int32 {
	found := []int32{}
	for _, container := range pod.Spec.Containers {
		for _, port := range container.Ports {
			if port.Protocol == core.ProtocolTCP || port.Protocol == "" {
				found = append(found, port.ContainerPort)
			}
		}
	}
	return found
}

// answer is the plainest of HTTP servers: it reads the head of one request and says its name.
func answer(listener net.Listener, name string) {
	body := name + "\n"
	reply := []byte(fmt.Sprintf("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s", len(body), body))
	for {
		connection, err := listener.Accept()
		if err != nil {
			return
		}
		go func() {
			defer connection.Close()
			buffer := make([]byte, 2048)
			if _, err := connection.Read(buffer); err == nil {
				connection.Write(reply)
			}
		}()
	}
}

func (f *fabric) removePod(uid types.UID) {
	f.mu.Lock()
	defer f.mu.Unlock()
	gone := f.pods[uid]
	if gone == nil {
		return
	}
	delete(f.pods, uid)
	for _, listener := range gone.listeners {
		listener.Close()
	}
	netns.DeleteNamed(gone.namespace)
}

// remove takes every namespace of this fabric away, also those that an earlier process left behind.
func (f *fabric) remove() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, node := range f.nodes {
		node.forward.Close()
	}
	entries, _ := os.ReadDir("/run/netns")
	for _, entry := range entries {
		if strings.HasPrefix(entry.Name(), f.prefix+"-") {
			syscall.Unmount(filepath.Join("/run/netns", entry.Name()), syscall.MNT_DETACH)
			os.Remove(filepath.Join("/run/netns", entry.Name()))
		}
	}
}
