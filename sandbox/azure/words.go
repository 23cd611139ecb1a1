package azure

import (
	"fmt"
	"strings"
)

// Words splits and unquotes the first command of a shell script as a POSIX shell does, and returns the text after it as
// rest. Nothing is expanded: $NAME and the like stay as they are.
func Words(script string) (words []string, rest string, err error) {
	var word strings.Builder
	inside := false
	end := func() {
		if inside {
			words = append(words, word.String())
		}
		word.Reset()
		inside = false
	}
	for i := 0; i < len(script); i++ {
		switch c := script[i]; c {
		case '\'', '"':
			length := strings.IndexByte(script[i+1:], c)
			if length < 0 {
				return nil, "", fmt.Errorf("the quote %c is not closed", c)
			}
			word.WriteString(script[i+1 : i+1+length])
			inside, i = true, i+1+length
		case '\\':
			if i++; i < len(script) && script[i] != '\n' { // else the command goes on in the next line
				word.WriteByte(script[i])
				inside = true
			}
		case ' ', '\t':
			end()
		case '\n', ';', '|', '&', ')':
			end()
			return words, script[i+1:], nil
		case '#':
			if !inside {
				_, rest, _ = strings.Cut(script[i:], "\n")
				return words, rest, nil
			}
			word.WriteByte(c)
		default:
			word.WriteByte(c)
			inside = true
		}
	}
	end()
	return words, "", nil
}
