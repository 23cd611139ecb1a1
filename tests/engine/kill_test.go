package engine

import (
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var (
	kills = flag.Int("kills", 3, "how often the engine is killed in the middle of an up")
	seed  = flag.Uint64("kill-seed", uint64(time.Now().UnixNano()), "picks the moments at which it is")
)

// run runs a program in the sandbox, with its exit code.
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
	path := filepath.Join(t.TempDir(), "batchaccess")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", path, "./cmd/batchaccess")
	build.Dir = root
	out, err := build.CombinedOutput()
	require.NoError(t, err, string(out))
	return path
}

// kinds counts what there is in Azure, whatever it is called this time.
func (d *deployment) kinds() map[string]int {
	guid := regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`)
	found := map[string]int{}
	for _, id := range d.azure.Inventory() {
		found[guid.ReplaceAllString(id, "*")]++
	}
	return found
}

// urns are the resources of the state, and the operations that are not over.
func (d *deployment) urns() (urns []string, pending int) {
	d.t.Helper()
	var export struct {
		Deployment struct {
			Resources []struct{ URN string }
			Pending   []any `json:"pending_operations"`
		}
	}
	require.NoError(d.t, json.Unmarshal([]byte(d.pulumi("stack", "export")), &export))
	for _, r := range export.Deployment.Resources {
		urns = append(urns, r.URN)
	}
	slices.Sort(urns)
	return urns, len(export.Deployment.Pending)
}

// killedUp kills the engine once it has made so many things, at some moment of the next.
func (d *deployment) killedUp(made int, after time.Duration) {
	d.t.Helper()
	cmd := exec.CommandContext(d.t.Context(), d.cli, "up", "--yes", "--skip-preview", "--non-interactive", "--stack", "dev")
	cmd.Env = d.engine.Env()
	require.NoError(d.t, cmd.Start())
	over := make(chan struct{})
	go func() { _ = cmd.Wait(); close(over) }()
	for len(d.azure.Inventory()) < made {
		select {
		case <-over:
			d.t.Fatalf("the up was over before %d things were made", made)
		case <-time.After(time.Millisecond):
		}
	}
	time.Sleep(after)
	_ = cmd.Process.Kill()
	<-over
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
	begun, imported, cleared, removed := 0, 0, 0, 0
	for i := range *kills {
		made, after := draw.IntN(total), time.Duration(draw.IntN(20_000))*time.Microsecond
		t.Run(fmt.Sprintf("%d after %d things", i, made), func(t *testing.T) {
			state := t.TempDir()
			d := deploy(t, state)
			defer d.close()
			d.killedUp(made, after)
			_, _ = d.run(d.cli, "cancel", "--yes", "dev") // fails where no lock was left
			if _, pending := d.urns(); pending > 0 {
				begun++
			}
			plan, code := d.run(batchaccess, "recover", "--stack", "dev", "--yes")
			t.Log(plan)
			require.Equal(t, 0, code, plan)
			imported += strings.Count(plan, "import ")
			cleared += strings.Count(plan, "clear ")
			removed += strings.Count(plan, "remove ")
			for what, steps := range d.preview() {
				assert.True(t, strings.HasPrefix(what, "create "), "what was made is left as it is: %s %v", what, steps)
			}
			d.up()

			urns, pending := d.urns()
			assert.Equal(t, wantURNs, urns, "the same resources")
			assert.Zero(t, pending)
			assert.Equal(t, wantKinds, d.kinds(), "nothing twice, nothing missing, nothing left over; the plan was:\n%s", plan)
			assert.Empty(t, d.preview(), "nothing is left to do")
			d.pulumi("refresh", "--yes", "--skip-preview", "--expect-no-changes", "--non-interactive")
			d.noSecretInThePlain()
			again, code := d.run(batchaccess, "recover", "--stack", "dev")
			assert.Equal(t, 0, code, again)
			assert.Contains(t, again, "nothing was broken off")
		})
	}
	t.Logf("%d kills: %d broke something off; %d creations imported, %d cleared, %d secrets or applications removed", *kills, begun, imported, cleared, removed)
}
