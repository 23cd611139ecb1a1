package blob

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/batchaccess/batchaccess/sandbox/azure/internal/armid"
	"github.com/batchaccess/batchaccess/sandbox/azure/internal/wire"
)

// signed are the headers whose values are signed, in this order, before those that begin with x-ms-. The source of
// everything in this file: learn.microsoft.com/rest/api/storageservices/authorize-with-shared-key, version 2015-02-21
// and later.
var signed = []string{"Content-Encoding", "Content-Language", "Content-Length", "Content-MD5", "Content-Type", "Date",
	"If-Modified-Since", "If-Match", "If-None-Match", "If-Unmodified-Since", "Range"}

// late is the greatest age of a signed request.
const late = 15 * time.Minute

// byKey checks a signature, in the form account:signature, with each key of the account.
func (s *Service) byKey(q request, presented string) error {
	if q.account.Properties["allowSharedKeyAccess"] == false {
		return wire.Errorf(http.StatusForbidden, "KeyBasedAuthenticationNotPermitted",
			"Key based authentication is not permitted on this storage account.")
	}
	account, signature, _ := strings.Cut(presented, ":")
	if !strings.EqualFold(account, armid.Parse(q.account.ID).Name()) {
		return failed("the signature is of another account")
	}
	at, err := http.ParseTime(q.Header.Get("x-ms-date"))
	if now := s.store.Now(); err != nil || at.Before(now.Add(-late)) || at.After(now.Add(late)) {
		return failed("the header x-ms-date is missing, too old or in the future")
	}
	given, err := base64.StdEncoding.DecodeString(signature)
	if err != nil {
		return failed("the signature is no base64")
	}
	if content := q.st.Contents[armid.Key(q.account.ID)]; content != nil {
		for _, key := range content.Keys {
			secret, err := base64.StdEncoding.DecodeString(key)
			if err != nil {
				return err
			}
			mac := hmac.New(sha256.New, secret)
			mac.Write([]byte(textToSign(q.Request, account)))
			if hmac.Equal(given, mac.Sum(nil)) {
				return nil
			}
		}
	}
	return failed("the signature is made with no key of the account")
}

// textToSign is the text that is signed for a request without a query.
func textToSign(r *http.Request, account string) string {
	lines := []string{r.Method}
	for _, name := range signed {
		value := r.Header.Get(name)
		if name == "Content-Length" && r.ContentLength > 0 { // for 0 the line is empty
			value = strconv.FormatInt(r.ContentLength, 10)
		}
		lines = append(lines, value)
	}
	own := map[string]string{}
	for name, values := range r.Header {
		if lower := strings.ToLower(name); strings.HasPrefix(lower, "x-ms-") {
			own[lower] = strings.TrimSpace(strings.Join(values, ","))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(own)) {
		lines = append(lines, name+":"+own[name])
	}
	return strings.Join(append(lines, "/"+account+r.URL.EscapedPath()), "\n")
}
