// Package browser opens a page of the tool in a real browser, if there is one, for the tests of the pages.
package browser

import (
	"encoding/json"
	"html"
	"io"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A Sight is what the browser shows of the page, in one colour scheme and at one width.
type Sight struct {
	Scheme           string // dark or light
	Width, PageWidth int    // pixels
	Policy           bool   // the page's style applies
	// Rows of the matrix, rows of the lists, columns of the matrix and lines of the graphs that are shown: of "all",
	// after each choice by its name, and "again" when all is chosen.
	Rows, Listed   map[string][]string
	Columns, Lines map[string]int
	Contrast       float64  // the lowest contrast of a text, by WCAG 2
	Faint          string   // the text with that contrast
	Unreachable    []string // by keyboard
	Clipped        []string // headings and lists of choices that are cut off
}

const harness = `<!DOCTYPE html><body><script>
const shown = e => e.getClientRects().length > 0;
function luminance(c) { // as WCAG 2 defines it
  const [r, g, b] = c.map(v => v / 255 <= 0.03928 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}
const rgb = s => (s.match(/[\d.]+/g) || []).map(Number);
function ground(e) {
  for (; e; e = e.parentElement) {
    const c = rgb(getComputedStyle(e).backgroundColor);
    if (c.length == 3 || c[3] > 0) return c;
  }
  return matchMedia('(prefers-color-scheme: dark)').matches ? [0, 0, 0] : [255, 255, 255];
}
async function look(width) {
  const frame = document.createElement('iframe');
  frame.width = width; frame.height = 900; frame.src = '/page';
  await new Promise(done => { frame.onload = done; document.body.append(frame) });
  const d = frame.contentDocument, all = q => [...d.querySelectorAll(q)];
  const r = { Width: width, PageWidth: d.documentElement.scrollWidth, Rows: {}, Listed: {}, Columns: {}, Lines: {},
    Contrast: 99,
    Policy: frame.contentWindow.getComputedStyle(d.querySelector('.filter')).display == 'flex', Unreachable: [] };
  const count = name => {
    r.Rows[name] = all('.matrix tbody th').filter(shown).map(e => e.textContent);
    r.Listed[name] = all('.list tbody tr').filter(shown).map(e => e.textContent);
    r.Columns[name] = Math.max(0, all('.matrix thead th').filter(shown).length - 1);
    r.Lines[name] = all('svg path').filter(shown).length;
  };
  count('all');
  for (const select of all('select')) for (const option of select.options) if (option.index > 0) {
    option.selected = true; count(option.text); select.selectedIndex = 0;
  }
  count('again');
  for (const e of all('body *')) {
    const text = [...e.childNodes].some(n => n.nodeType == 3 && n.textContent.trim());
    if (!text || !shown(e) || e.closest('svg, option, style')) continue;
    const color = rgb(frame.contentWindow.getComputedStyle(e).color);
    const [a, b] = [luminance(color), luminance(ground(e))].sort((x, y) => y - x);
    const c = (a + 0.05) / (b + 0.05);
    if (c < r.Contrast) { r.Contrast = c; r.Faint = e.outerHTML.slice(0, 80) }
  }
  r.Clipped = all('h1, h2, .verdict, .filter label').filter(e => shown(e) && e.scrollWidth > e.clientWidth + 1)
    .map(e => e.outerHTML.slice(0, 80));
  for (const e of all('a, select, summary, .scroll')) {
    e.focus();
    if (d.activeElement != e) r.Unreachable.push(e.outerHTML.slice(0, 80));
  }
  return r;
}
(async () => {
  const results = [];
  for (const width of [1300, 360]) results.push(await look(width));
  document.body.innerHTML = '<pre>' + JSON.stringify(results).replace(/&/g, '&amp;').replace(/</g, '&lt;') + '</pre>';
})();
</script>`

// policy matches the part of a page that forbids scripts.
var policy = regexp.MustCompile(`<meta http-equiv="Content-Security-Policy"[^>]*>`)

// atPrint measures the page while it is printed, when its styles for paper apply.
const atPrint = `<script>
matchMedia('print').addEventListener('change', e => {
  if (!e.matches) return;
  const all = q => [...document.querySelectorAll(q)], style = e => getComputedStyle(e);
  const body = style(document.body), sent = new XMLHttpRequest();
  sent.open('POST', '/printed', false);
  sent.send(JSON.stringify({
    Width: innerWidth, PageWidth: document.documentElement.scrollWidth, Color: body.color, Ground: body.backgroundColor,
    Links: all('nav').filter(e => style(e).display != 'none').length,
    Cut: all('.scroll').filter(e => style(e).overflow != 'visible' || e.scrollWidth > e.clientWidth + 1)
      .map(e => e.innerText),
    Sticky: all('th').filter(e => style(e).position != 'static').map(e => e.innerText),
  }));
});
</script>`

// A print is the page on paper.
type print struct {
	Width, PageWidth int    // pixels
	Color, Ground    string // of text
	Links            int    // links within the page, which nobody can follow on paper
	Cut, Sticky      []string
}

// printed asserts what holds for any page on paper, also if the reader prefers a dark screen: all of it is there, dark
// on white, and the controls for the screen are not.
func printed(t *testing.T, browser, page string) {
	t.Helper()
	results := make(chan print, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var p print
		if r.Method == http.MethodPost && assert.NoError(t, json.NewDecoder(r.Body).Decode(&p)) {
			select {
			case results <- p:
			default: // it is measured already
			}
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = io.WriteString(w, policy.ReplaceAllString(page, "")+atPrint)
	}))
	defer server.Close()
	out, err := exec.CommandContext(t.Context(), browser, "--headless", "--no-sandbox", "--disable-gpu",
		"--user-data-dir="+t.TempDir(), "--blink-settings=preferredColorScheme=0",
		"--print-to-pdf="+filepath.Join(t.TempDir(), "page.pdf"), server.URL).CombinedOutput()
	require.NoError(t, err, "%s", out)
	require.Len(t, results, 1, "the page is measured when it is printed: %s", out)
	p := <-results
	assert.LessOrEqual(t, p.PageWidth, p.Width, "something lies beside the paper")
	assert.Equal(t, "rgb(255, 255, 255)", p.Ground)
	assert.Equal(t, "rgb(27, 33, 39)", p.Color)
	assert.Zero(t, p.Links, "links that nobody can follow on paper")
	assert.Empty(t, p.Cut, "cut off on paper")
	assert.Empty(t, p.Sticky, "stands over other text on paper")
}

// Look shows the page light and dark, wide and narrow, and printed, and uses its filter as a reader would. It asserts
// what holds for any page: it does not scroll sideways, can be read, and can be reached by keyboard. Without Chromium
// it skips the test.
func Look(t *testing.T, page string) (all []Sight) {
	t.Helper()
	var browser string
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			browser = path
		}
	}
	if browser == "" {
		t.Skip("needs Chromium: the page is looked at where there is one")
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		text := harness
		if r.URL.Path == "/page" {
			text = page
		}
		_, _ = io.WriteString(w, text)
	}))
	t.Cleanup(server.Close)
	printed(t, browser, page)
	for scheme, value := range map[string]string{"dark": "0", "light": "1"} {
		out, err := exec.CommandContext(t.Context(), browser, "--headless", "--no-sandbox", "--disable-gpu",
			"--user-data-dir="+t.TempDir(), "--blink-settings=preferredColorScheme="+value,
			"--virtual-time-budget=20000", "--dump-dom", server.URL).Output()
		require.NoError(t, err)
		result := regexp.MustCompile(`<pre>(.*)</pre>`).FindSubmatch(out)
		require.NotNil(t, result, "%s", out)
		var looks []Sight
		require.NoError(t, json.Unmarshal([]byte(html.UnescapeString(string(result[1]))), &looks))
		require.Len(t, looks, 2)
		for _, l := range looks {
			l.Scheme = scheme
			assert.True(t, l.Policy, "the page's policy keeps its own style out")
			assert.LessOrEqual(t, l.PageWidth, l.Width, "%s: the page scrolls sideways", scheme)
			assert.GreaterOrEqual(t, l.Contrast, 4.5, "%s, %d wide: %s", scheme, l.Width, l.Faint)
			assert.Empty(t, l.Unreachable, "by keyboard")
			assert.Empty(t, l.Clipped, "%s, %d wide", scheme, l.Width)
			assert.Equal(t, l.Rows["all"], l.Rows["again"])
			assert.Equal(t, l.Listed["all"], l.Listed["again"])
			assert.Equal(t, l.Lines["all"], l.Lines["again"])
			all = append(all, l)
		}
	}
	return all
}
