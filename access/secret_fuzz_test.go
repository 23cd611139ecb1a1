package access_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/access/signin"
)

// A date that is read is one moment in UTC, in whatever form it is written again.
func FuzzPeriod(f *testing.F) {
	f.Add("2026-11-01", "2027-05-01T00:00:00Z")
	f.Add("2026-11-01 00:00:00 +0000 UTC", "2028-02-29")
	f.Add("", "2026-13-01")
	f.Fuzz(func(t *testing.T, from, to string) {
		start, end, ps := signin.ClientSecret{StartDate: from, EndDate: to}.Period()
		if len(ps) > 0 {
			return
		}
		require.Equal(t, time.UTC, start.Location())
		again, ended, ps := signin.ClientSecret{StartDate: start.Format("2006-01-02T15:04:05Z"),
			EndDate: end.Format("2006-01-02T15:04:05Z")}.Period()
		require.NoError(t, ps.Err())
		require.Equal(t, []int64{start.Unix(), end.Unix()}, []int64{again.Unix(), ended.Unix()})
	})
}
