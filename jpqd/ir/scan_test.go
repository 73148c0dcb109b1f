package ir

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
)

// scanAll lists what the scanner finds, one tag a line.
func scanAll(text string) (string, error) {
	var found strings.Builder
	s := newScanner(text)
	for s.at < len(s.text) || s.empty {
		name := s.name()
		if s.child() {
			fmt.Fprintf(&found, "<%s", s.name())
			for rest := string(s.attributes); ; {
				attribute, value, after, ok := cutAttribute(strings.TrimLeft(rest, blanks))
				if !ok {
					break
				}
				fmt.Fprintf(&found, " %s=%q", attribute, unescape(value))
				rest = after
			}
			found.WriteString(">\n")
		} else if s.err == nil && name != "" {
			fmt.Fprintf(&found, "</%s>\n", name)
		}
		if s.err != nil {
			return "", s.err
		}
	}
	if s.depth > 0 {
		s.child()
	}
	return found.String(), s.err
}

// decodeAll lists the same with encoding/xml.
func decodeAll(text string) (string, error) {
	var found strings.Builder
	decoder := xml.NewDecoder(strings.NewReader(text))
	join := func(n xml.Name) string {
		if n.Space != "" {
			return n.Space + ":" + n.Local
		}
		return n.Local
	}
	for {
		token, err := decoder.RawToken()
		if errors.Is(err, io.EOF) {
			return found.String(), nil
		}
		switch token := token.(type) {
		case xml.StartElement:
			fmt.Fprintf(&found, "<%s", join(token.Name))
			for _, a := range token.Attr {
				fmt.Fprintf(&found, " %s=%q", join(a.Name), a.Value)
			}
			found.WriteString(">\n")
		case xml.EndElement:
			fmt.Fprintf(&found, "</%s>\n", join(token.Name))
		}
		if err != nil {
			return "", err
		}
	}
}

// What the scanner accepts is XML to encoding/xml too, and the same. It accepts
// less: no declarations, no attribute twice, no more than its limits. The end of
// a line in a value and "--" in a comment are all it is less strict about.
func FuzzScan(f *testing.F) {
	for _, text := range []string{
		foreign, `<a/>`, `<a b='"' c = "'"/>`, `<a b="&lt;&#60;&#x3c;&amp;amp;"></a >`, `<a><!-- <b> --><![CDATA[<b>]]><?b c?>]] ></a>`,
		"\ufeff<?xml version=\"1.0\"?>\n<a:b xmlns:a=\"c\"><é/></a:b>\n", `<a>&quot;</b>`, `<a b=""c=""/>`, `<a><b></a></b>`, `<a>]]></a>`,
		`<!DOCTYPE a><a/>`, `<a b="1" b="2"/>`, `<a b="<"/>`, "<a>\x01</a>", "<a\x80/>", `<a &/>`, `<1/>`, `< a/>`, `</a>`, `<a`, `<a b`, `<a b="`,
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		found, err := scanAll(text)
		if err != nil {
			return
		}
		want, err := decodeAll(text)
		switch {
		case err != nil && (strings.Contains(text, "<!--") || strings.Contains(text, "<?") || strings.Count(text, ":") > 0 || !isASCII(text)):
			// Comments, instructions and names that encoding/xml alone looks into.
		case err != nil:
			t.Errorf("%q: found %s, want error %v", text, found, err)
		case found != want && !strings.Contains(text, "\r"):
			t.Errorf("%q: found %s, want %s", text, found, want)
		}
	})
}

func isASCII(text string) bool {
	return strings.IndexFunc(text, func(r rune) bool { return r >= 0x80 }) < 0
}
