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

	code, stdout, stderr = execute(t, "rehearse", "--dir", dir, "--json", "--weather", "latency=1ms")
	require.Equal(t, 0, code, stderr)
	var report struct{ Weather string }
	require.NoError(t, json.Unmarshal([]byte(stdout), &report))
	assert.Equal(t, "latency=1ms", report.Weather)
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

func TestTheHelpTellsWhatStormyIs(t *testing.T) {
	t.Parallel()
	_, stdout, _ := execute(t, "weather")
	assert.Contains(t, stdout, azure.Stormy().String())
	for _, command := range []string{"rehearse", "sandbox"} {
		_, stdout, _ := execute(t, command, "--help")
		assert.Contains(t, stdout, "batchaccess weather explains them", command)
	}
}
