package golang_test

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/batchaccess/batchaccess/sandbox/golang"
)

// run serves a host that runs a program of one file. It returns the engine's answer and the program's output.
func run(t *testing.T, source string, options map[string]any) (*pulumirpc.RunResponse, string) {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "go.mod"), []byte("module program\n\ngo 1.26\n"), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "main.go"), []byte(source), 0o600))
	var printed bytes.Buffer
	port, stop, err := golang.Serve(t.Context(), golang.Options{
		Output: &printed, CacheDir: t.TempDir(), Logger: slog.New(slog.DiscardHandler),
	})
	require.NoError(t, err)
	conn, err := grpc.NewClient("127.0.0.1:"+strconv.Itoa(port), grpc.WithTransportCredentials(insecure.NewCredentials()))
	require.NoError(t, err)
	runtime, err := structpb.NewStruct(options)
	require.NoError(t, err)
	res, err := pulumirpc.NewLanguageRuntimeClient(conn).Run(t.Context(), &pulumirpc.RunRequest{
		Project: "p", Stack: "dev", DryRun: true, Parallel: 3, MonitorAddress: "monitor",
		Config: map[string]string{"p:a": "b"}, ConfigSecretKeys: []string{"p:a"},
		Info: &pulumirpc.ProgramInfo{RootDirectory: dir, ProgramDirectory: dir, EntryPoint: ".", Options: runtime},
	})
	require.NoError(t, err)
	require.NoError(t, conn.Close())
	require.NoError(t, stop())
	return res, printed.String()
}

func TestAProgramFindsItsEngine(t *testing.T) {
	t.Parallel()
	res, printed := run(t, `package main

import (
	"fmt"
	"os"
)

func main() {
	for _, name := range []string{"PROJECT", "STACK", "CONFIG", "CONFIG_SECRET_KEYS", "DRY_RUN", "PARALLEL", "MONITOR"} {
		fmt.Println(os.Getenv("PULUMI_" + name))
	}
}
`, nil)
	assert.Empty(t, res.GetError())
	assert.Equal(t, "p\ndev\n{\"p:a\":\"b\"}\n[\"p:a\"]\ntrue\n3\nmonitor\n", printed)
}

func TestTheEngineLearnsHowAProgramEnded(t *testing.T) {
	t.Parallel()
	exit := func(code string) string {
		return "package main\n\nimport \"os\"\n\nfunc main() { os.Exit(" + code + ") }\n"
	}
	tests := []struct {
		name, source string
		options      map[string]any
		bail         bool
		failure      string // part of the error
	}{
		{"well", exit("0"), nil, false, ""},
		{"failed and reported it itself", exit("32"), nil, true, ""},
		{"failed", exit("3"), nil, false, "exit code 3"},
		{"does not compile", "package main\n\nfunc main() { no() }\n", nil, false, "undefined: no"},
		{"prebuilt but not there", exit("0"), map[string]any{"binary": "missing"}, false, "build the program first"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			res, _ := run(t, test.source, test.options)
			assert.Equal(t, test.bail, res.GetBail())
			if test.failure == "" {
				assert.Empty(t, res.GetError())
			} else {
				assert.Contains(t, res.GetError(), test.failure)
			}
		})
	}
}
