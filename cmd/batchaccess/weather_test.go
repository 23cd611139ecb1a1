package main

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/sandbox/azure"
)

func TestARehearsalInBadWeatherCanBeRepeated(t *testing.T) {
	t.Parallel()
	const weather = "seed=3,replication=1s,propagation=2s,throttling=0.05,faults=0.05"
	dir := projectWith(t, map[string]string{"dev": oneUser})
	code, stdout, stderr := execute(t, "rehearse", "--dir", dir, "--weather", weather)
	require.Equal(t, 0, code, stdout+stderr)
	assert.Contains(t, stdout, "weather: --weather "+weather+"\n")

	code, stdout, stderr = execute(t, "rehearse", "--dir", dir, "--json", "--weather", "latency=1ms", "--propagation",
		"90s")
	require.Equal(t, 0, code, stderr)
	var report struct{ Weather string }
	require.NoError(t, json.Unmarshal([]byte(stdout), &report))
	assert.Equal(t, "propagation=1m30s,latency=1ms", report.Weather)
}

func TestAWeatherThatThereIsNotIsRefused(t *testing.T) {
	t.Parallel()
	dir := projectWith(t, map[string]string{"dev": oneUser})
	for _, command := range [][]string{{"rehearse", "--dir", dir, "--weather", "sunny,faults=2"},
		{"sandbox", "--dir", dir, "--weather", "sunny,faults=2", "--", "pulumi", "stack"}} {
		code, stdout, stderr := execute(t, command...)
		assert.Equal(t, exitUsage, code)
		assert.Empty(t, stdout)
		assert.Contains(t, stderr, `weather: there is no "sunny"`)
		assert.Contains(t, stderr, "faults=2: give a share from 0 to 1")
	}
}

func TestAPropagationIsASettingOfTheWeather(t *testing.T) {
	t.Parallel()
	dir := projectWith(t, map[string]string{"dev": oneUser})
	for _, c := range []struct {
		args []string
		says string
	}{
		{[]string{"--propagation", "-1s"}, "weather: propagation=-1s: give a duration of zero or more"},
		{[]string{"--propagation", "soon"}, `invalid argument "soon" for "--propagation"`},
		{[]string{"--propagation", "10"}, `invalid argument "10" for "--propagation"`},
		{[]string{"--propagation", "10m", "--weather", "propagation=10m"},
			"weather: propagation is given twice; give it once"},
		{[]string{"--propagation", "0s", "--weather", "stormy,propagation=0s"}, "weather: propagation is given twice"},
		{[]string{"--propagation", "0s", "--weather", "sunny"}, `weather: there is no "sunny"`},
	} {
		code, stdout, stderr := execute(t, append([]string{"rehearse", "--dir", dir}, c.args...)...)
		assert.Equal(t, exitUsage, code, c.args)
		assert.Empty(t, stdout, c.args)
		assert.Contains(t, stderr, c.says)
	}
}

func TestTheHelpSaysWhatStormyIs(t *testing.T) {
	t.Parallel()
	_, stdout, _ := execute(t, "weather")
	assert.Contains(t, stdout, azure.Stormy().String())
	for _, command := range []string{"rehearse", "sandbox"} {
		_, stdout, _ := execute(t, command, "--help")
		assert.Contains(t, oneLine(stdout), "batchaccess weather explains them", command)
	}
}
