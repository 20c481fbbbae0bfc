// Command clients is a real dubbo-go provider or consumer for the test bed: "clients provider ..." or "clients consumer ...".
// Both print JSON lines on standard output; what dubbo-go prints goes to standard error.
package main

import (
	"encoding/json"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"

	"dubbo.apache.org/dubbo-go/v3/client"
	"dubbo.apache.org/dubbo-go/v3/server"

	_ "dubbo.apache.org/dubbo-go/v3/cluster/cluster/failover"
	_ "dubbo.apache.org/dubbo-go/v3/cluster/loadbalance/random"
	_ "dubbo.apache.org/dubbo-go/v3/cluster/router/condition"
	_ "dubbo.apache.org/dubbo-go/v3/cluster/router/tag"
	_ "dubbo.apache.org/dubbo-go/v3/config_center/zookeeper"
	_ "dubbo.apache.org/dubbo-go/v3/filter/accesslog"
	_ "dubbo.apache.org/dubbo-go/v3/filter/echo"
	_ "dubbo.apache.org/dubbo-go/v3/filter/exec_limit"
	_ "dubbo.apache.org/dubbo-go/v3/filter/generic"
	_ "dubbo.apache.org/dubbo-go/v3/filter/graceful_shutdown"
	_ "dubbo.apache.org/dubbo-go/v3/filter/token"
	_ "dubbo.apache.org/dubbo-go/v3/filter/tps"
	_ "dubbo.apache.org/dubbo-go/v3/metadata/mapping/metadata"
	_ "dubbo.apache.org/dubbo-go/v3/protocol/dubbo"
	_ "dubbo.apache.org/dubbo-go/v3/proxy/proxy_factory"
	_ "dubbo.apache.org/dubbo-go/v3/registry/directory"
	_ "dubbo.apache.org/dubbo-go/v3/registry/protocol"
	_ "dubbo.apache.org/dubbo-go/v3/registry/zookeeper"
)

// service is what "interface,group,version,path-or-protocol" on the command line names; empty parts are not set.
type service struct{ name, group, version, last string }

func parseService(text string) service {
	parts := strings.Split(text, ",")
	return service{parts[0], parts[1], parts[2], parts[3]}
}

func (s service) serverOptions() []server.ServiceOption {
	options := []server.ServiceOption{server.WithInterface(s.name), server.WithNotRegister()}
	if s.group != "" {
		options = append(options, server.WithGroup(s.group))
	}
	if s.version != "" {
		options = append(options, server.WithVersion(s.version))
	}
	return options
}

func (s service) clientOptions() []client.ReferenceOption {
	unchecked := false
	options := []client.ReferenceOption{
		client.WithProtocolDubbo(),
		client.WithSerialization("hessian2"),
		client.WithRetries(0),
		client.WithRequestTimeout(callTimeout),
		func(o *client.ReferenceOptions) { o.Reference.Check = &unchecked },
	}
	if s.group != "" {
		options = append(options, client.WithGroup(s.group))
	}
	if s.version != "" {
		options = append(options, client.WithVersion(s.version))
	}
	return options
}

const callTimeout = 3 * time.Second

var (
	output     *os.File
	outputLock sync.Mutex
)

func printLine(value any) {
	line, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	outputLock.Lock()
	defer outputLock.Unlock()
	if _, err := output.Write(append(line, '\n')); err != nil {
		os.Exit(1)
	}
}

// takeOutput keeps standard output for our lines and points descriptor 1 at standard error.
func takeOutput() error {
	saved, err := syscall.Dup(1)
	if err != nil {
		return err
	}
	syscall.CloseOnExec(saved)
	output = os.NewFile(uintptr(saved), "output")
	return syscall.Dup3(2, 1, 0)
}

func main() {
	if err := takeOutput(); err != nil {
		panic(err)
	}
	run := map[string]func([]string) error{"provider": provide, "consumer": consume}[os.Args[1]]
	if err := run(os.Args[2:]); err != nil {
		panic(err)
	}
}
