package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"dubbo.apache.org/dubbo-go/v3"
	"dubbo.apache.org/dubbo-go/v3/client"
	"dubbo.apache.org/dubbo-go/v3/cluster/directory"
	"dubbo.apache.org/dubbo-go/v3/common"
	"dubbo.apache.org/dubbo-go/v3/common/constant"
	"dubbo.apache.org/dubbo-go/v3/common/extension"
	"dubbo.apache.org/dubbo-go/v3/protocol/invocation"
	"dubbo.apache.org/dubbo-go/v3/registry"
	registrydirectory "dubbo.apache.org/dubbo-go/v3/registry/directory"
)

const listCheck = 50 * time.Millisecond

type callLine struct {
	Ref    int     `json:"ref"`
	At     int64   `json:"at"`
	Answer string  `json:"answer,omitempty"`
	Error  string  `json:"error,omitempty"`
	Ms     float64 `json:"ms"`
}

type listLine struct {
	Ref       int      `json:"ref"`
	At        int64    `json:"at"`
	Providers []string `json:"providers"`
}

// consume finds demo services in ZooKeeper and calls each at a fixed rate until standard input closes. Arguments: connect
// string, calls a second per reference, then one "interface,group,version,protocol" per reference.
func consume(args []string) error {
	rate, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	instance, err := dubbo.NewInstance(
		dubbo.WithName("testbed-consumer"),
		dubbo.WithRegistry(
			registry.WithZookeeper(),
			registry.WithAddress(args[0]),
			registry.WithTimeout(10*time.Second),
			registry.WithRegisterInterface(),
			registry.WithoutUseAsMetaReport(),
			registry.WithoutUseAsConfigCenter(),
		),
	)
	if err != nil {
		return err
	}
	for number, text := range args[2:] {
		// Not one client for all: group and version of a Dial stay behind in the client and go into the next one.
		dubboClient, err := instance.NewClient(client.WithClientProtocolDubbo(), client.WithClientSerialization("hessian2"))
		if err != nil {
			return err
		}
		if err := follow(dubboClient, number, parseService(text), time.Second/time.Duration(rate)); err != nil {
			return err
		}
	}
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

// follow starts the calls to one reference and the watch of its provider list.
func follow(dubboClient *client.Client, number int, wanted service, period time.Duration) error {
	if wanted.last != "" && wanted.last != "dubbo" {
		return fmt.Errorf("this consumer speaks dubbo only, not %q", wanted.last)
	}
	var (
		lock sync.Mutex
		list directory.Directory
	)
	// The factory of directories is dubbo-go's own extension point; it hands us the one that Dial makes.
	extension.SetDirectory(constant.ZookeeperKey, func(url *common.URL, from registry.Registry) (directory.Directory, error) {
		made, err := registrydirectory.NewRegistryDirectory(url, from)
		lock.Lock()
		defer lock.Unlock()
		list = made
		return made, err
	})
	connection, err := dubboClient.Dial(wanted.name, wanted.clientOptions()...)
	if err != nil {
		return err
	}
	lock.Lock()
	defer lock.Unlock()
	if list == nil {
		return errors.New("dubbo-go made no registry directory")
	}
	go callForever(connection, number, period)
	go watchList(list, number)
	return nil
}

// callForever leaves out calls that fell due while one hung.
func callForever(connection *client.Connection, number int, period time.Duration) {
	for range time.Tick(period) {
		call(connection, number)
	}
}

func call(connection *client.Connection, number int) {
	began := time.Now()
	line := callLine{Ref: number, At: began.UnixMilli()}
	if err := connection.CallUnary(context.Background(), []any{"book"}, &line.Answer, "add"); err != nil {
		line.Answer, line.Error = "", kind(err)
	}
	line.Ms = float64(time.Since(began).Microseconds()) / 1000
	printLine(line)
}

func kind(err error) string {
	message := err.Error()
	switch {
	case strings.Contains(message, "No provider available"):
		return "no-provider"
	case strings.Contains(strings.ToLower(message), "timeout"):
		return "timeout"
	}
	return message[:min(300, len(message))]
}

func watchList(list directory.Directory, number int) {
	last := []string{"not yet"}
	for range time.Tick(listCheck) {
		now := []string{}
		for _, invoker := range list.List(invocation.NewRPCInvocationWithOptions(invocation.WithMethodName("add"))) {
			now = append(now, invoker.GetURL().Location)
		}
		slices.Sort(now)
		if !slices.Equal(now, last) {
			last = now
			printLine(listLine{Ref: number, At: time.Now().UnixMilli(), Providers: now})
		}
	}
}
