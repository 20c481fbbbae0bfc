package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"

	"dubbo.apache.org/dubbo-go/v3"
	"dubbo.apache.org/dubbo-go/v3/graceful_shutdown"
	"dubbo.apache.org/dubbo-go/v3/protocol"
	"dubbo.apache.org/dubbo-go/v3/server"
)

// Shelf serves every demo interface (dubbo-go wants the type exported): it answers with which provider and which service served the call.
type Shelf struct{ answer, reference string }

func (s *Shelf) Add(_ context.Context, _ string) (string, error) { return s.answer, nil }
func (s *Shelf) MethodMapper() map[string]string                 { return map[string]string{"Add": "add"} }
func (s *Shelf) Reference() string                               { return s.reference }

// provide serves until SIGTERM. Arguments: host, port, protocol, name, then one "interface,group,version,path" per service.
func provide(args []string) error {
	host, name := args[0], args[3]
	port, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	if args[2] != "dubbo" {
		return fmt.Errorf("this provider speaks dubbo only, not %q", args[2])
	}
	instance, err := dubbo.NewInstance(
		dubbo.WithName(name),
		dubbo.WithProtocol(protocol.WithDubbo(), protocol.WithIp(host), protocol.WithPort(port)),
		dubbo.WithShutdown(graceful_shutdown.WithoutInternalSignal()),
	)
	if err != nil {
		return err
	}
	serving, err := instance.NewServer()
	if err != nil {
		return err
	}
	for number, text := range args[4:] {
		if err := register(serving, number, parseService(text), net.JoinHostPort(host, args[1]), name); err != nil {
			return err
		}
	}
	// Serve would also open a metadata service on every address, in the way of the next provider.
	for number := range args[4:] {
		if err := serving.GetServiceOptions(reference(number)).Export(); err != nil {
			return err
		}
	}
	printLine(map[string]bool{"ready": true})
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM)
	<-stop
	return nil
}

func register(serving *server.Server, number int, wanted service, address, name string) error {
	if wanted.last != "" && wanted.last != wanted.name {
		return fmt.Errorf("dubbo-go serves an interface under its own name only, not under %q", wanted.last)
	}
	answer := strings.Join([]string{address, name, wanted.name, wanted.group, wanted.version}, "|")
	handler := &Shelf{answer: answer, reference: reference(number)}
	return serving.Register(handler, nil, wanted.serverOptions()...)
}

func reference(number int) string { return "shelf-" + strconv.Itoa(number) }
