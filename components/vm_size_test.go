package components

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// facts/compute-clusters.md, Size.
func TestSizesThatRetireAreWarnedOf(t *testing.T) {
	t.Parallel()
	for size, when := range map[string]string{
		"Standard_DS3_v2": "2028-05-01", "STANDARD_D2_V2": "2028-05-01", "Standard_DS14-4_v2": "2028-05-01",
		"Standard_D15i_v2": "2028-05-01", "Standard_A4m_v2": "2028-11-15", "Standard_B2ms": "2028-11-15",
		"Standard_B1ls": "2028-11-15", "Standard_F4": "2028-11-15", "Standard_F4s": "2028-11-15",
		"Standard_F8s_v2": "2028-11-15", "Standard_NV12s_v3": "2026-09-30", "Standard_NV16as_v4": "2026-09-30",
		"Standard_NC24rs_v3": "2025-09-30", "Standard_NC6": "2023", "Standard_NC12s_v2": "2023",
		"Standard_ND24rs": "2023", "Standard_NV6": "2023", "Standard_A3": "2024", "Basic_A1": "2024",
		"Standard_HB60rs": "2024",

		"Standard_D4ds_v5": "", "Standard_D4s_v3": "", "Standard_B2s_v2": "", "Standard_B2ts_v2": "",
		"Standard_NC4as_T4_v3": "", "Standard_NC24ads_A100_v4": "", "Standard_NV6ads_A10_v5": "",
		"Standard_HB120rs_v2": "", "Standard_E4s_v3": "", "Standard_F2as_v6": "", "Standard_ND40rs_v2": "",
	} {
		ps := warnOfSize(size)
		require.NoError(t, ps.Err(), "%s may still be deployed", size)
		if when == "" {
			assert.Empty(t, ps, size)
			continue
		}
		require.Len(t, ps, 1, size)
		assert.Equal(t, "vmSize", ps[0].Path)
		assert.Contains(t, ps[0].What, "retirement Azure has set for "+when)
	}
}
