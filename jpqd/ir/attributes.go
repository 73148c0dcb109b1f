package ir

import (
	"strconv"
	"strings"
)

// blanks are the white space of XML.
const blanks = " \t\r\n"

// attributeText are the attributes of an element as its tag spells them. They
// stay text, of which files may hold much that nobody asks for; a layer has few.
type attributeText string

// lookup is the value of an attribute.
func (t attributeText) lookup(name string) (value string, ok bool) {
	rest := string(t)
	for {
		found, value, after, ok := cutAttribute(strings.TrimLeft(rest, blanks))
		if !ok {
			return "", false
		}
		if found == name {
			return unescape(value), true
		}
		rest = after
	}
}

// get is the value of an attribute, "" where there is none.
func (t attributeText) get(name string) string {
	value, _ := t.lookup(name)
	return value
}

// cutAttribute takes the first attribute off the text of a tag: name = "value",
// the value with its entities, in double or single quotes.
func cutAttribute(text string) (name, value, rest string, ok bool) {
	name, rest = cutName(text)
	rest, ok = strings.CutPrefix(strings.TrimLeft(rest, blanks), "=")
	rest = strings.TrimLeft(rest, blanks)
	if name == "" || !ok || rest == "" || rest[0] != '"' && rest[0] != '\'' {
		return "", "", "", false
	}
	value, rest, ok = strings.Cut(rest[1:], rest[:1])
	if !ok || strings.Contains(value, "<") || !validEntities(value) {
		return "", "", "", false
	}
	return name, value, rest, true
}

// cutName takes the name that text begins with off it.
func cutName(text string) (name, rest string) {
	n := 0
	for n < len(text) {
		c := text[n]
		letter := c|0x20 >= 'a' && c|0x20 <= 'z' || c == '_' || c == ':' || c >= 0x80
		if !letter && (n == 0 || c != '-' && c != '.' && (c < '0' || c > '9')) {
			break
		}
		n++
	}
	return text[:n], text[n:]
}

// entities that need no definition.
var entities = map[string]rune{"lt": '<', "gt": '>', "amp": '&', "apos": '\'', "quot": '"'}

// maxEntity is the length of the longest name of an entity, "#x0010ffff" and some zeros.
const maxEntity = 16

// cutEntity takes an entity such as "&lt;" or "&#60;" off the text that begins with it.
func cutEntity(text string) (r rune, rest string, ok bool) {
	name, _, ok := strings.Cut(text[1:min(len(text), maxEntity+2)], ";")
	if !ok {
		return 0, "", false
	}
	rest = text[1+len(name)+1:]
	if number, isNumber := strings.CutPrefix(name, "#"); isNumber {
		base := 10
		if hex, isHex := strings.CutPrefix(number, "x"); isHex {
			number, base = hex, 16
		}
		n, err := strconv.ParseUint(number, base, 21)
		return rune(n), rest, err == nil && isXMLChar(rune(n))
	}
	r, ok = entities[name]
	return r, rest, ok
}

func validEntities(text string) bool {
	for {
		i := strings.IndexByte(text, '&')
		if i < 0 {
			return true
		}
		var ok bool
		if _, text, ok = cutEntity(text[i:]); !ok {
			return false
		}
	}
}

// unescape replaces the entities of a text in which all are valid.
func unescape(text string) string {
	i := strings.IndexByte(text, '&')
	if i < 0 {
		return text
	}
	var plain strings.Builder
	plain.Grow(len(text))
	for ; i >= 0; i = strings.IndexByte(text, '&') {
		r, rest, _ := cutEntity(text[i:])
		plain.WriteString(text[:i])
		plain.WriteRune(r)
		text = rest
	}
	plain.WriteString(text)
	return plain.String()
}
