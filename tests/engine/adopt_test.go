package engine

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestProbe(t *testing.T) {
	state := t.TempDir()
	d := deploy(t, state)
	defer d.close()
	d.up()
	require.NoError(t, filepath.WalkDir(state, func(p string, e os.DirEntry, err error) error {
		t.Log(p)
		return err
	}))
	out, _ := d.run("sh", "-c", "env | grep PULUMI; "+d.cli+" stack rm dev --force --yes --preserve-config; "+d.cli+" stack init dev; "+d.cli+" stack export --stack dev")
	t.Log(out)
	out, _ = d.run("sh", "-c", d.cli+" preview --json --stack dev --import-file /tmp/imp-probe.json > /tmp/preview-probe.json")
	t.Log(out)
}
