package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/batchaccess/batchaccess/internal/azure"
)

// installedAzVariable is the environment variable with the path of the installed Azure CLI; "" for none. The stand-in
// passes calls on to it.
const installedAzVariable = "BATCHACCESS_AZ"

// installedAz returns the Azure CLI on PATH; "" for none, and for the stand-in of an outer sandbox.
func installedAz(self string) string {
	found, err := exec.LookPath(azName)
	if err != nil {
		return ""
	}
	if found, err = filepath.Abs(found); err != nil {
		return ""
	}
	if target, err := filepath.EvalSymlinks(found); err != nil || target == self {
		return ""
	}
	return found
}

// ofPerson reports whether a call signs a person in, or needs a person's sign-in. For that the Azure CLI opens a
// browser, and the sandbox has no page.
func ofPerson(args []string) bool {
	var words []string // the command, before its flags
	for _, arg := range args {
		if strings.HasPrefix(arg, "-") {
			break
		}
		words = append(words, arg)
	}
	switch command := strings.Join(words, " "); command {
	case "login":
		return !slices.ContainsFunc(args, func(arg string) bool {
			return slices.Contains([]string{"--service-principal", "--identity", "-i", "--help", "-h"}, arg)
		})
	case "logout", "account show", "account get-access-token":
		a, err := readAccount()
		return err == nil && a.Kind == azure.AsUser
	}
	return false
}

// passToInstalledAz runs the installed Azure CLI, which the sandbox's variables direct to the sandbox. A sign-in there
// replaces a person who was signed in here.
func passToInstalledAz(ctx context.Context, real string, args []string, stdout, stderr io.Writer) int {
	cmd := exec.CommandContext(ctx, real, args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, stdout, stderr
	err := cmd.Run()
	if exit := new(exec.ExitError); errors.As(err, &exit) {
		return exit.ExitCode()
	}
	if err == nil && len(args) > 0 && args[0] == "login" {
		err = forgetAccount()
	}
	if err != nil {
		fmt.Fprintln(stderr, "ERROR:", err)
		return exitFailed
	}
	return 0
}
