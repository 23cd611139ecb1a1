// Package jsonform writes every command's output for machines in one way: indented, and no list is ever null.
package jsonform

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"reflect"
	"strings"
	"unicode/utf16"

	"github.com/batchaccess/batchaccess/internal/visible"
)

// Write writes a value as JSON. A list is never null.
func Write(w io.Writer, value any) error {
	of := reflect.ValueOf(value)
	own := reflect.New(of.Type()).Elem()
	own.Set(of)
	listed(own)
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	if err := e.Encode(own.Interface()); err != nil {
		return err
	}
	_, err := io.WriteString(w, escaped(text.String()))
	return err
}

// escaped writes characters that are invisible, or that change the direction of writing, as JSON escapes: a machine
// reads the same text, and a person who opens the file is not deceived.
func escaped(text string) string {
	hidden := func(r rune) bool { return r != '\n' && visible.Hidden(r) }
	if strings.IndexFunc(text, hidden) < 0 {
		return text
	}
	var out strings.Builder
	for _, r := range text {
		if !hidden(r) {
			out.WriteRune(r)
			continue
		}
		for _, unit := range utf16.Encode([]rune{r}) {
			fmt.Fprintf(&out, `\u%04x`, unit)
		}
	}
	return out.String()
}

// listed replaces each nil list by an empty one. It changes a copy.
func listed(v reflect.Value) {
	if !v.CanSet() {
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			own := reflect.New(v.Type().Elem())
			own.Elem().Set(v.Elem())
			listed(own.Elem())
			v.Set(own)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			listed(v.Field(i))
		}
	case reflect.Map:
		if v.IsNil() {
			return
		}
		own := reflect.MakeMapWithSize(v.Type(), v.Len())
		for _, key := range v.MapKeys() {
			item := reflect.New(v.Type().Elem()).Elem()
			item.Set(v.MapIndex(key))
			listed(item)
			own.SetMapIndex(key, item)
		}
		v.Set(own)
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			return
		}
		v.Set(reflect.AppendSlice(reflect.MakeSlice(v.Type(), 0, v.Len()), v))
		for i := range v.Len() {
			listed(v.Index(i))
		}
	}
}
