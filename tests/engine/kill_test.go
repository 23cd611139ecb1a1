package engine

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/sandbox/azure"
	"github.com/batchaccess/batchaccess/sandbox/golang/programs"
)

var (
	kills = flag.Int("kills", 3, "how often the engine is killed in the middle of an up")
	seed  = flag.Uint64("kill-seed", uint64(time.Now().UnixNano()), "picks the moments at which it is")
)

// run runs a program in the sandbox, and returns its exit code.
func (d *deployment) run(name string, args ...string) (string, int) {
	d.t.Helper()
	cmd := exec.CommandContext(d.t.Context(), name, args...)
	cmd.Env, cmd.Dir = d.engine.Env(), filepath.Dir(d.project)
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil {
		require.NoError(d.t, err)
	}
	return string(out), cmd.ProcessState.ExitCode()
}

// command builds batchaccess and returns its path.
func command(t *testing.T) string {
	t.Helper()
	path, err := programs.Build(t.Context(), "", programs.Program{Dir: root, Package: "./cmd/batchaccess"})
	require.NoError(t, err)
	return path
}

// kinds counts what exists in Azure, whatever its names are this time.
func (d *deployment) kinds() map[string]int {
	guid := regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`)
	found := map[string]int{}
	for _, id := range d.azure.Inventory() {
		found[guid.ReplaceAllString(id, "*")]++
	}
	return found
}

// stack is the stack's state.
func (d *deployment) stack() *apitype.DeploymentV3 {
	d.t.Helper()
	state, err := d.engine.State("dev")
	require.NoError(d.t, err)
	return state
}

// urns are the resources of the state, and the pending operations.
func (d *deployment) urns() (urns []string, pending int) {
	d.t.Helper()
	state := d.stack()
	for _, r := range state.Resources {
		if r.Type != "pulumi:providers:pulumi" { // once there is a state, its provider exists
			urns = append(urns, string(r.URN))
		}
	}
	slices.Sort(urns)
	return urns, len(state.PendingOperations)
}

// overwrites reports whether a step only restores the name, description or owner that the azuread plugin writes for a
// moment while it makes an application, a service principal or a group (facts/graph-calls.md).
func (d *deployment) overwrites(s step) bool {
	d.t.Helper()
	if s.Op != "update" || !strings.HasPrefix(s.kind(), "azuread:") || len(s.DetailedDiff) == 0 {
		return false
	}
	all := d.stack().Resources
	at := slices.IndexFunc(all, func(r apitype.ResourceV3) bool { return string(r.URN) == s.URN })
	if at < 0 {
		return false
	}
	// the properties that the azuread plugin compares with the program
	for key := range s.DetailedDiff {
		if owners, is := all[at].Outputs[key].([]any); is && key == "owners" &&
			slices.Equal(owners, []any{d.azure.Deployer().ObjectID}) {
			continue
		}
		if value, _ := all[at].Outputs[key].(string); !strings.HasPrefix(value, "TERRAFORM_UPDATE_") {
			return false
		}
	}
	return true
}

// killedUp kills the engine that long after Azure has the wanted resources.
func (d *deployment) killedUp(until func(made []string) bool, after time.Duration) {
	d.t.Helper()
	cmd := exec.CommandContext(d.t.Context(), d.cli, "up", "--yes", "--skip-preview", "--non-interactive", "--stack",
		"dev")
	cmd.Env = d.engine.Env()
	require.NoError(d.t, cmd.Start())
	over := make(chan struct{})
	go func() { _ = cmd.Wait(); close(over) }()
	for !until(d.azure.Inventory()) {
		select {
		case <-over:
			d.t.Fatal("the up was over before the moment to kill it")
		case <-time.After(time.Millisecond):
		}
	}
	time.Sleep(after)
	_ = cmd.Process.Kill()
	<-over
}

// killedAt kills an up before the answer to the first POST to a path with this ending.
func (d *deployment) killedAt(ending string) {
	d.t.Helper()
	cmd := exec.CommandContext(d.t.Context(), d.cli, "up", "--yes", "--skip-preview", "--non-interactive", "--stack",
		"dev")
	cmd.Env = d.engine.Env()
	over := make(chan struct{})
	var once sync.Once
	d.azure.Watch(&azure.Watcher{Before: func(azure.Write) {}, After: func(w azure.Write) {
		if w.Method == http.MethodPost && strings.HasSuffix(w.Path, ending) {
			once.Do(func() {
				_ = cmd.Process.Kill()
				<-over
			})
		}
	}})
	defer d.azure.Watch(nil)
	require.NoError(d.t, cmd.Start())
	_ = cmd.Wait()
	close(over)
}

func TestADeploymentThatIsKilledIsTakenUpAgain(t *testing.T) {
	t.Parallel()
	batchaccess := command(t)

	clean := deploy(t, t.TempDir())
	clean.up()
	wantKinds, total := clean.kinds(), len(clean.azure.Inventory())
	wantURNs, _ := clean.urns()
	clean.close()

	t.Logf("-kill-seed %d", *seed)
	draw := rand.New(rand.NewPCG(*seed, 0))
	moments := []moment{{
		name:        "while a service principal has a description for a moment",
		at:          "/servicePrincipals",
		overwritten: 1,
	}}
	for i := range *kills {
		things := draw.IntN(total)
		moments = append(moments, moment{
			name:  fmt.Sprintf("%d after %d things", i, things),
			until: func(made []string) bool { return len(made) >= things },
			after: time.Duration(draw.IntN(20_000)) * time.Microsecond,
		})
	}
	var begun, imported, cleared, removed atomic.Int64
	t.Cleanup(func() {
		t.Logf("%d kills: %d broke something off; %d creations imported, %d cleared, %d secrets or applications removed",
			len(moments), begun.Load(), imported.Load(), cleared.Load(), removed.Load())
	})
	for _, m := range moments {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			state := t.TempDir()
			d := deployIn(t, m.weather, state)
			defer d.close()
			if m.at != "" {
				d.killedAt(m.at)
			} else {
				d.killedUp(m.until, m.after)
			}
			_, _ = d.run(d.cli, "cancel", "--yes", "dev") // fails if no lock was left
			if _, pending := d.urns(); pending > 0 {
				begun.Add(1)
			}
			plan, code := d.run(batchaccess, "adopt", "--stack", "dev", "--yes")
			t.Log(plan)
			require.Contains(t, []int{0, 1}, code, "1 leaves what pulumi up makes: %s", plan)
			imported.Add(int64(strings.Count(plan, "import ")))
			cleared.Add(int64(strings.Count(plan, "clear ")))
			removed.Add(int64(strings.Count(plan, "remove ")))
			overwritten := 0
			for what, steps := range d.preview() {
				for _, s := range steps {
					if d.overwrites(s) {
						overwritten++
						continue
					}
					assert.Equal(t, "create", s.Op, "what was made is left as it is: %s %v", what, s)
				}
			}
			assert.GreaterOrEqual(t, overwritten, m.overwritten)
			d.up()

			urns, pending := d.urns()
			assert.Equal(t, wantURNs, urns, "the same resources")
			assert.Zero(t, pending)
			assert.Equal(t, wantKinds, d.kinds(), "nothing twice, nothing missing, nothing left over; the plan was:\n%s", plan)
			assert.Empty(t, d.preview(), "nothing is left to do")
			d.pulumi("refresh", "--yes", "--skip-preview", "--expect-no-changes", "--non-interactive")
			d.noSecretInThePlain()
			again, code := d.run(batchaccess, "adopt", "--stack", "dev")
			assert.Equal(t, 0, code, again)
		})
	}
}

// A moment is when the engine is killed, and how many names of the plugin's own it leaves to be overwritten, at least.
type moment struct {
	name        string
	weather     azure.Weather
	at          string // the end of the path of the POST before whose answer it is; "" for until and after
	until       func(made []string) bool
	after       time.Duration
	overwritten int
}
