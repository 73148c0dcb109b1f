package ir

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/go-jpqd/jpqd/jpqd/internal/testmodel"
)

// validate tells which of the texts the schema of IR version 11 refuses, and why.
func validate(t *testing.T, texts map[string]string) map[string]string {
	t.Helper()
	xmllint, err := exec.LookPath("xmllint")
	if err != nil {
		t.Skip("xmllint, which Debian has in libxml2-utils, is not on the PATH")
	}
	dir := t.TempDir()
	args := []string{"--noout", "--nonet", "--schema", filepath.Join("testdata", "ir.xsd")}
	paths := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(texts)) {
		paths[name] = filepath.Join(dir, fmt.Sprintf("%d.xml", len(paths)))
		args = append(args, paths[name])
		if err := os.WriteFile(paths[name], []byte(texts[name]), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	output, err := exec.Command(xmllint, args...).CombinedOutput()
	if _, ok := errors.AsType[*exec.ExitError](err); err != nil && !ok {
		t.Fatal(err)
	}
	reasons := map[string]string{}
	for name, path := range paths {
		if slices.Contains(strings.Split(string(output), "\n"), path+" validates") {
			continue
		}
		for line := range strings.Lines(string(output)) {
			if strings.HasPrefix(line, path) {
				reasons[name] += line
			}
		}
		if reasons[name] == "" {
			t.Fatalf("xmllint says nothing of %s: %s", name, output)
		}
	}
	return reasons
}

func TestSchemaAccepts(t *testing.T) {
	texts := map[string]string{}
	for name, v := range testmodel.Variants {
		for _, o := range []Options{{}, {Precision: F16}, {Batch: 2, Sequence: 5}} {
			texts[fmt.Sprintf("%s %+v", name, o)] = write(t, testmodel.New(v, 1), o).text
		}
	}
	for name, reason := range validate(t, texts) {
		t.Errorf("%s: %s", name, reason)
	}
}

// A file that is corrupted in one way is refused, and for that.
func TestSchemaRefuses(t *testing.T) {
	text := write(t, testmodel.Named("int8 everywhere", 1), Options{}).text
	cases := map[string]struct{ old, new, want string }{
		"root":                   {"net", "network", "No matching global declaration"},
		"no version":             {`<net name="bert" version="11">`, `<net name="bert">`, "'version' is required"},
		"version 10":             {`version="11"`, `version="10"`, "does not match the fixed value"},
		"no name":                {`<net name="bert" `, `<net `, "'name' is required"},
		"edges missing":          {"edges", "rt_info", "Expected is ( edges )"},
		"metadata of no net":     {"<layers>", "<rt_info/><layers>", "Expected is ( layers )"},
		"layer id missing":       {`<layer id="3" `, `<layer `, "'id' is required"},
		"layer id negative":      {`<layer id="3"`, `<layer id="-3"`, "'-3' is not accepted by the pattern"},
		"layer id twice":         {`<layer id="3"`, `<layer id="4"`, "Duplicate key-sequence ['4'] in key"},
		"layer name twice":       {`name="attention_mask"`, `name="input_ids"`, "Duplicate key-sequence ['input_ids'] in unique"},
		"layer without a name":   {`name="attention_mask"`, `name=""`, "underruns the allowed minimum length"},
		"layer without a type":   {`type="MatMul" version`, `version`, "'type' is required"},
		"type misspelt":          {`type="SoftMax"`, `type="Softmax"`, "'Softmax' is not an element of the set"},
		"type of the class":      {`type="Const"`, `type="Constant"`, "'Constant' is not an element of the set"},
		"opset missing":          {`type="MatMul" version="opset1"`, `type="MatMul"`, "'version' is required"},
		"opset unknown":          {`version="opset8"`, `version="opset99"`, "'opset99' is not accepted by the pattern"},
		"extension":              {`version="opset8"`, `version="extension"`, "'extension' is not accepted by the pattern"},
		"other attribute":        {`<layer id="3"`, `<layer precision="FP32" id="3"`, "'precision' is not allowed"},
		"data behind the ports":  {`</output>`, `</output><data shape=""/>`, "Element 'data': This element is not expected"},
		"output before input":    {`<input>`, `<output><port id="9" precision="FP32"/></output><input>`, "Element 'input': This element is not expected"},
		"information behind":     {`</output>`, `</output><rt_info/>`, "Element 'rt_info': This element is not expected"},
		"information unnamed":    {`<output>`, `<rt_info><attribute version="0"/></rt_info><output>`, "'name' is required"},
		"information of no kind": {`<output>`, `<rt_info><fused_names value="a"/></rt_info><output>`, "Expected is ( attribute )"},
		"data unknown":           {`transpose_a=`, `transpose_c=`, "'transpose_c' is not allowed"},
		"flag":                   {`transpose_b="true"`, `transpose_b="True"`, "'True' is not an element of the set"},
		"levels":                 {`levels="256"`, `levels="1"`, "less than the minimum value"},
		"eps":                    {`eps="1e-12"`, `eps="small"`, "not a valid value of the atomic type 'xs:float'"},
		"offset":                 {`offset="0"`, `offset="-64"`, "'-64' is not accepted by the pattern"},
		"size":                   {`size="32"`, `size="32.0"`, "'32.0' is not a valid value"},
		"shape":                  {`shape="?,?"`, `shape="?;?"`, "'?;?' is not accepted by the pattern"},
		"element type":           {`element_type="i8"`, `element_type="I8"`, "'I8' is not an element of the set"},
		"precision":              {`precision="I8"`, `precision="INT8"`, "'INT8' is not an element of the set"},
		"precision missing":      {`precision="FP32" names="logits"`, `names="logits"`, "'precision' is required"},
		"names of an input":      {"<input>\n\t\t\t\t<port", "<input>\n\t\t\t\t<port names=\"a\"", "'names' is not allowed"},
		"names empty":            {`names="logits"`, `names=""`, "'' is not accepted by the pattern"},
		"names twice":            {`names="attention_mask"`, `names="input_ids"`, "Duplicate key-sequence ['input_ids'] in unique"},
		"port twice":             {`<port id="1" precision="FP32">`, `<port id="0" precision="FP32">`, "in key identity-constraint 'portID'"},
		"dim unknown":            {"<dim>-1</dim>", "<dim>?</dim>", "'?' is not a valid value"},
		"dim":                    {"<dim>-1</dim>", "<dim>-2</dim>", "'-2' is not accepted by the pattern"},
		"dim of text":            {"<dim>32</dim>", "<dim/>", "Element 'dim': '' is not a valid value"},
		"edge to nowhere":        {` to-layer="7"`, ` to-layer="99999"`, "No match found for key-sequence ['99999'] of keyref"},
		"edge from nowhere":      {`from-layer="5"`, `from-layer="99999"`, "No match found for key-sequence ['99999'] of keyref"},
		"edge without a port":    {` to-port="0"`, ``, "'to-port' is required"},
		"two edges to one input": {`to-port="1"`, `to-port="0"`, "in unique identity-constraint"},
	}
	texts := map[string]string{"intact": text}
	for name, c := range cases {
		count := 1
		if name == "root" || name == "edges missing" {
			count = -1
		}
		texts[name] = strings.Replace(text, c.old, c.new, count)
		if texts[name] == text {
			t.Errorf("%s: %q is not in the file", name, c.old)
		}
	}
	reasons := validate(t, texts)
	if reasons["intact"] != "" {
		t.Errorf("intact: %s", reasons["intact"])
	}
	for name, c := range cases {
		if !strings.Contains(reasons[name], c.want) {
			t.Errorf("%s: found %q, want %q", name, reasons[name], c.want)
		}
	}
}
