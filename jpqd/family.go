package jpqd

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/go-jpqd/jpqd/bert"
)

// NodeKind is what a node of a model's graph computes.
type NodeKind string

// The kinds of nodes.
const (
	Linear     NodeKind = "linear"
	Embedding  NodeKind = "embedding"
	LayerNorm  NodeKind = "layer_norm"
	MatMul     NodeKind = "matmul" // of two activations
	Add        NodeKind = "add"
	Div        NodeKind = "div"
	Softmax    NodeKind = "softmax"
	GELU       NodeKind = "gelu"
	ReLU       NodeKind = "relu"
	Tanh       NodeKind = "tanh"
	Dropout    NodeKind = "dropout"
	Reshape    NodeKind = "reshape" // and contiguous, which only moves data
	Transpose  NodeKind = "transpose"
	Gather     NodeKind = "gather"
	Split      NodeKind = "split"
	MaskedFill NodeKind = "masked_fill"
	Mask       NodeKind = "mask"    // arithmetic of the attention mask
	Integers   NodeKind = "integer" // arithmetic of integers: ids of positions
	Output     NodeKind = "output"  // of the model
)

// Node is one operation of a model's graph as NNCF names it.
type Node struct {
	Name   string // ".../BertSelfAttention[self]/NNCFLinear[query]/linear_0": what scopes are compared with
	Kind   NodeKind
	Module string // Hugging Face's path of the parameters, "bert.encoder.layer.0.attention.self.query"; "" for ops without
	Op     string // of ops without parameters, the name for hooks: "bert.encoder.layer.0.attention.self.matmul_0"
	Layer  int    // -1 outside the encoder
	Inputs []int  // indices of the nodes whose outputs are its operands, in order; inputs of the model are left out
}

// Family is what compression must know of a family of models. Its graph is that
// of one architecture, the model with a head; [Family.WithHead] gives others.
type Family struct {
	Name         string // model_type of Hugging Face's config.json
	Architecture string // the class, as in "architectures" of config.json
	Groups       []GroupRule
	Traits       map[NodeKind]QuantizerTrait

	backbone   string          // path of the model without its head
	embeddings []nodeTemplate  // below backbone, before the layers
	layer      string          // path of a layer below backbone, %d for its number
	layerNodes []nodeTemplate  // below layer
	heads      map[string]head // by architecture; after the layers
}

// head is what an architecture has behind the encoder.
type head struct {
	nodes  []nodeTemplate // below the model
	groups []GroupRule
}

// nodeTemplate is a node with its path below something. Its inputs are paths
// below the same, or the two tensors that come from outside.
type nodeTemplate struct {
	path   string // from the root of the graph if it begins with a slash
	kind   NodeKind
	inputs []string
}

// Inputs of templates that come from outside of their list.
const (
	hidden   = "(hidden)" // what the list before ends with
	maskBias = "(mask)"   // the last node of kind Mask of the list before the layers
)

// from lists the inputs of a template.
func from(paths ...string) []string { return paths }

// QuantizerTrait is how the CPU executes a kind of node, and so where its
// quantizers go.
type QuantizerTrait int

// The traits, in NNCF's words: non-quantizable, quantizable, output as weights, agnostic.
const (
	FloatInputs       QuantizerTrait = iota // inputs stay floats, and quantizers stay below
	QuantizedInputs                         // inputs are quantized, and so is the weight if there is one
	QuantizedTable                          // the weight is quantized; the output is as good as quantized
	QuantizerAgnostic                       // may be executed on integers: quantizers move through it upwards
)

// GroupRule is a set of matrices that lose the same structures: whole heads or
// single neurons.
type GroupRule struct {
	Name    string // "attention", "feed_forward" or "head"
	PerHead bool   // a structure is head_dim rows or columns; otherwise one
	Members []GroupMember
}

// GroupMember is a matrix of a group.
type GroupMember struct {
	Module  string // Hugging Face's path with %d for the layer: "bert.encoder.layer.%d.attention.self.query"
	Columns bool   // structures are columns of the weight; otherwise rows, and their biases
}

// producers is the number of matrices whose rows are the structures.
func (r *GroupRule) producers() int {
	n := 0
	for _, m := range r.Members {
		if !m.Columns {
			n++
		}
	}
	return n
}

// families are the supported ones. A family is a value here and nothing else.
// NNCF's own list of families lacks RoBERTa, though its search finds the groups
// of it; here it is as good as the others.
var families = []*Family{&bertFamily, &robertaFamily, &distilbertFamily}

// FindFamily returns the family for a model_type of Hugging Face's config.json.
func FindFamily(modelType string) (*Family, error) {
	var names []string
	for _, f := range families {
		if f.Name == modelType {
			return f, nil
		}
		names = append(names, f.Name)
	}
	return nil, fmt.Errorf("model_type: no supported model is detected: found %q, want %s", modelType, wordList(names, "or"))
}

// familyOf is the family of a model, with the model's head.
func familyOf(cfg *bert.Config) (*Family, error) {
	modelType := cfg.ModelType
	if modelType == "" {
		modelType = "bert"
	}
	f, err := FindFamily(modelType)
	if err != nil || cfg.Architecture == "" {
		return f, err
	}
	return f.WithHead(cfg.Architecture)
}

// WithHead returns the family's model of another architecture.
func (f *Family) WithHead(architecture string) (*Family, error) {
	if _, ok := f.heads[architecture]; !ok {
		return nil, fmt.Errorf("architectures: found %q, want %s", architecture, wordList(slices.Sorted(maps.Keys(f.heads)), "or"))
	}
	other := *f
	other.Architecture = architecture
	return &other, nil
}

// Nodes lists the graph of a model with so many layers in the order of execution.
func (f *Family) Nodes(layers int) []Node {
	g := graph{last: -1, mask: -1}
	backbone := f.Architecture + "/" + f.backbone + "/"
	g.add(backbone, f.embeddings, -1)
	for layer := range layers {
		g.add(backbone+fmt.Sprintf(f.layer, layer)+"/", f.layerNodes, layer)
	}
	g.add(f.Architecture+"/", f.heads[f.Architecture].nodes, -1)
	return g.nodes
}

// graph is a list of nodes in the making.
type graph struct {
	nodes []Node
	last  int // node that the lists so far end with
	mask  int // last one of kind Mask outside the layers
}

// add appends a list of templates below a path.
func (g *graph) add(prefix string, templates []nodeTemplate, layer int) {
	at := map[string]int{hidden: g.last, maskBias: g.mask}
	for _, t := range templates {
		name := prefix + t.path
		if strings.HasPrefix(t.path, "/") {
			name = t.path
		}
		node := newNode(name, t.kind, layer)
		for _, input := range t.inputs {
			i, ok := at[input]
			if !ok {
				panic("jpqd: node " + name + " has an input that is not before it: " + input)
			}
			node.Inputs = append(node.Inputs, i)
		}
		at[t.path] = len(g.nodes)
		if t.kind == Mask && layer < 0 {
			g.mask = len(g.nodes)
		}
		g.nodes = append(g.nodes, node)
	}
	g.last = len(g.nodes) - 1
}

// attribute is an element of a node's path, Class[attribute].
var attribute = regexp.MustCompile(`\w+\[(\w+)\]`)

// newNode derives the module's or op's name from NNCF's: the attributes on the
// way, joined by dots, and for an op without parameters the op itself. What is
// put out has the name of the model's hook for it.
func newNode(name string, kind NodeKind, layer int) Node {
	var path []string
	for _, element := range attribute.FindAllStringSubmatch(name, -1) {
		path = append(path, element[1])
	}
	node := Node{Name: name, Kind: kind, Layer: layer}
	switch kind {
	case Linear, Embedding, LayerNorm:
		node.Module = strings.Join(path, ".")
	case Output:
		node.Op = "logits"
	default:
		node.Op = strings.Join(append(path, name[strings.LastIndexByte(name, '/')+1:]), ".")
	}
	return node
}

// cpuTraits are those of OpenVINO's CPU device. What NNCF calls a scatter
// (masked_fill) and a gather may be executed on integers.
var cpuTraits = map[NodeKind]QuantizerTrait{
	Linear: QuantizedInputs, MatMul: QuantizedInputs, Add: QuantizedInputs, Div: QuantizedInputs, LayerNorm: QuantizedInputs,
	Embedding: QuantizedTable,
	Dropout:   QuantizerAgnostic, Reshape: QuantizerAgnostic, Transpose: QuantizerAgnostic,
	Gather: QuantizerAgnostic, Split: QuantizerAgnostic, MaskedFill: QuantizerAgnostic,
	Softmax: FloatInputs, GELU: FloatInputs, ReLU: FloatInputs, Tanh: FloatInputs,
	Mask: FloatInputs, Integers: FloatInputs, Output: FloatInputs,
}
