package ir

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// Limits of the XML: far above what any writer makes.
const (
	maxNesting    = 64 // elements inside each other
	maxAttributes = 64 // of an element
)

// scanner walks through the elements of an XML text. It takes no memory but its
// own, whatever the text: all it gives are parts of the text.
//
// Document type declarations, which define entities, are refused. Namespaces
// mean nothing: "a:layer" is another name than "layer".
type scanner struct {
	text string
	at   int // where the part of the text begins that is still to be read

	open       [maxNesting]string // names of the elements around, the outermost first
	depth      int                // of open
	attributes attributeText      // of the element that began last
	empty      bool               // it is <a/>, and its end is still to come

	seen [maxAttributes]string // names of attributes of one element
	err  error                 // the first
}

func newScanner(text string) *scanner {
	s := &scanner{text: strings.TrimPrefix(text, "\ufeff")}
	for i, r := range s.text {
		if !isXMLChar(r) || r == utf8.RuneError && !strings.HasPrefix(s.text[i:], "\ufffd") {
			s.at = i
			s.fail("found %+q, want characters of XML in UTF-8", s.text[i:min(i+utf8.UTFMax, len(s.text))])
			break
		}
	}
	return s
}

func isXMLChar(r rune) bool {
	return r >= ' ' && r < 0xd800 || r == '\t' || r == '\n' || r == '\r' || r > 0xdfff && r < 0xfffe || r >= 0x10000 && r <= utf8.MaxRune
}

// fail notes the first error.
func (s *scanner) fail(format string, a ...any) {
	if s.err == nil {
		line := 1 + strings.Count(s.text[:s.at], "\n")
		s.err = fmt.Errorf("XML: line %d: %w", line, fmt.Errorf(format, a...))
	}
}

// want fails with what comes next in the text.
func (s *scanner) want(what string) {
	if s.at == len(s.text) {
		s.fail("unexpected EOF, want %s", what)
	} else {
		s.fail("found %.20q, want %s", s.text[s.at:], what)
	}
}

func (s *scanner) wantEnd() {
	if s.depth == 0 {
		s.want("an element that began")
	} else {
		s.want(fmt.Sprintf("</%.80s>", s.name()))
	}
}

// child goes on to the next child of the element that is being read: the one
// that began last and has not ended. It is false at the end of that element,
// which ends it, and after an error. Outside of all elements it goes on to the
// root, then to the end of the text.
func (s *scanner) child() bool {
	if s.empty {
		s.empty = false
		s.depth--
		return false
	}
	for s.err == nil && s.skipText() {
		rest := s.text[s.at:]
		switch {
		case rest == "":
			if s.depth > 0 {
				s.wantEnd()
			}
			return false
		case strings.HasPrefix(rest, "<!--"):
			s.skipMarkup("<!--", "-->")
		case strings.HasPrefix(rest, "<![CDATA[") && s.depth > 0:
			s.skipMarkup("<![CDATA[", "]]>")
		case strings.HasPrefix(rest, "<?"):
			s.skipMarkup("<?", "?>")
		case strings.HasPrefix(rest, "<!"):
			s.want("no declarations")
		case strings.HasPrefix(rest, "</"):
			s.end()
			return false
		default:
			return s.begin()
		}
	}
	return false
}

// name is that of the element being read, "" outside of all.
func (s *scanner) name() string {
	if s.depth == 0 {
		return ""
	}
	return s.open[s.depth-1]
}

// skip goes to the end of the element being read.
func (s *scanner) skip() {
	for outside := s.depth - 1; s.depth > outside && s.err == nil; {
		s.child()
	}
}

// content is the text of the element being read, up to its end.
func (s *scanner) content() string {
	from := s.at
	if s.empty || s.err != nil {
		s.skip()
		return ""
	}
	if !s.skipText() {
		return ""
	}
	text := s.text[from:s.at]
	name := s.name()
	if s.child() {
		s.fail("found <%.80s> in <%s>, want text", s.name(), name)
	}
	return unescape(text)
}

// skipText goes to the next "<", if nothing is wrong with the text before it.
func (s *scanner) skipText() bool {
	text := s.text[s.at:]
	if i := strings.IndexByte(text, '<'); i >= 0 {
		text = text[:i]
	}
	switch {
	case s.depth == 0 && strings.Trim(text, blanks) != "":
		s.want("nothing outside of the root element")
	case !validEntities(text) || strings.Contains(text, "]]>"):
		s.want("text with known entities")
	}
	s.at += len(text)
	return s.err == nil
}

// skipMarkup goes past the end of what means nothing here, such as a comment.
func (s *scanner) skipMarkup(begin, end string) {
	rest := s.text[s.at+len(begin):]
	i := strings.Index(rest, end)
	if i < 0 {
		s.want(fmt.Sprintf("%s ... %s", begin, end))
		return
	}
	s.at += len(begin) + i + len(end)
}

// begin reads the tag that begins an element.
func (s *scanner) begin() bool {
	name, rest := cutName(s.text[s.at+1:])
	switch {
	case name == "":
		s.want("a tag")
		return false
	case s.depth == maxNesting:
		s.fail("found more than %d elements inside each other", maxNesting)
		return false
	}
	start := len(s.text) - len(rest)
	for n := 0; ; n++ {
		tail := strings.TrimLeft(rest, blanks)
		s.at = len(s.text) - len(tail)
		if strings.HasPrefix(tail, ">") || strings.HasPrefix(tail, "/>") {
			break
		}
		attribute, _, after, ok := cutAttribute(tail)
		switch {
		case !ok || len(tail) == len(rest):
			s.want(`white space and an attribute such as id="0", or the end of the tag`)
			return false
		case n == maxAttributes:
			s.fail("found more than %d attributes of <%.80s>", maxAttributes, name)
			return false
		case slices.Contains(s.seen[:n], attribute):
			s.fail("found attribute %.80q of <%.80s> twice", attribute, name)
			return false
		}
		s.seen[n], rest = attribute, after
	}
	s.attributes = attributeText(s.text[start:s.at])
	s.empty = s.text[s.at] == '/'
	s.at += strings.IndexByte(s.text[s.at:], '>') + 1
	s.open[s.depth] = name
	s.depth++
	return true
}

// end reads the tag that ends an element.
func (s *scanner) end() {
	name, rest := cutName(s.text[s.at+2:])
	rest = strings.TrimLeft(rest, blanks)
	if s.depth == 0 || name != s.name() || !strings.HasPrefix(rest, ">") {
		s.wantEnd()
		return
	}
	s.at = len(s.text) - len(rest) + 1
	s.depth--
}
