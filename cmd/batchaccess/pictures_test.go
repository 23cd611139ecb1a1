package main

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// pictures are the pages that the docs show as pictures: the command that writes the page, its first sections, and the
// size.
var pictures = map[string]struct {
	command, title          string
	sections, width, height int
}{
	"report.svg": {"explain --stack dev --format html", "The report of the sample stack", 2, 1240, 1270},
	"review.svg": {"review internal/review/testdata/invoker.json --format html", "The review of a change", 3, 1240, 1110},
}

// A picture is the page that the command writes, in an SVG, which a browser shows like the page. Parts that change
// daily are left out.
func TestTheDocsShowThePagesAsTheyLook(t *testing.T) {
	for name, p := range pictures {
		page := printed(t, p.command)
		style := regexp.MustCompile(`(?s)<style>(.*)</style>`).FindStringSubmatch(page)
		header := regexp.MustCompile(`(?s)<header>.*</header>`).FindString(page)
		sections := regexp.MustCompile(`(?s)<section.*?</section>`).FindAllString(page, p.sections)
		require.NotNil(t, style, name)
		require.NotEmpty(t, header, name)
		require.Len(t, sections, p.sections, name)
		body := regexp.MustCompile(`(?s)<p class="id">.*?</p>\n?`).ReplaceAllString(header, "") +
			"<main>" + strings.Join(sections, "\n") + "</main>"
		body = strings.ReplaceAll(body, "<option selected>", `<option selected="selected">`)
		picture := fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %[1]d %[2]d">
<title>%s</title>
<style><![CDATA[
%s]]></style>
<foreignObject width="100%%" height="100%%">
<body xmlns="http://www.w3.org/1999/xhtml">
%s
</body>
</foreignObject>
</svg>
`, p.width, p.height, p.title, style[1], body)
		d := xml.NewDecoder(strings.NewReader(picture))
		for {
			_, err := d.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			require.NoError(t, err, "%s is no XML, and no browser would show it", name)
		}
		file := filepath.Join(repository, "docs", name)
		if *update {
			require.NoError(t, os.WriteFile(file, []byte(picture), 0o600))
		}
		there, err := os.ReadFile(file)
		require.NoError(t, err)
		assert.Equal(t, string(there), picture, "go test ./cmd/batchaccess -run TheDocs -update writes docs/%s again", name)
	}
}
