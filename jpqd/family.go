package jpqd

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// NodeKind is what a node of a model's graph computes.
type NodeKind string

// The kinds of nodes.
const (
	Linear    NodeKind = "linear"
	Embedding NodeKind = "embedding"
	LayerNorm NodeKind = "layer_norm"
	MatMul    NodeKind = "matmul" // of two activations
	Add       NodeKind = "add"
	Div       NodeKind = "div"
	Softmax   NodeKind = "softmax"
	GELU      NodeKind = "gelu"
	Tanh      NodeKind = "tanh"
	Dropout   NodeKind = "dropout"
	Reshape   NodeKind = "reshape"
	Transpose NodeKind = "transpose"
	Other     NodeKind = "other" // moves data, or only touches the attention mask
)

// Node is one operation of a model's graph as NNCF names it.
type Node struct {
	Name   string // ".../BertSelfAttention[self]/NNCFLinear[query]/linear_0": what scopes are compared with
	Kind   NodeKind
	Module string // Hugging Face's path of the parameters, "bert.encoder.layer.0.attention.self.query"; "" for ops without
	Op     string // of ops without parameters, the name for hooks: "bert.encoder.layer.0.attention.self.matmul_0"
	Layer  int    // -1 outside the encoder
}

// Family is what compression must know of a family of models. Its graph is that
// of one architecture, the model with a head; [Family.WithHead] gives others.
type Family struct {
	Name         string // model_type of Hugging Face's config.json
	Architecture string // the class, as in "architectures" of config.json
	Groups       []GroupRule
	Traits       map[NodeKind]QuantizerTrait

	backbone   string                    // path of the model without its head
	embeddings []nodeTemplate            // below backbone, before the layers
	layer      string                    // path of a layer below backbone, %d for its number
	layerNodes []nodeTemplate            // below layer
	heads      map[string][]nodeTemplate // by architecture, below the model; after the layers
}

// nodeTemplate is a node with its path below something.
type nodeTemplate struct {
	path string
	kind NodeKind
}

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

// GroupRule is a set of matrices of every layer that lose the same structures:
// whole heads or single neurons.
type GroupRule struct {
	Name    string // "attention" or "feed_forward"
	PerHead bool   // a structure is head_dim rows or columns; otherwise one
	Members []GroupMember
}

// GroupMember is a matrix of a group.
type GroupMember struct {
	Module  string // Hugging Face's path with %d for the layer: "bert.encoder.layer.%d.attention.self.query"
	Columns bool   // structures are columns of the weight; otherwise rows, and their biases
}

// families are the supported ones. A family is a value here and nothing else.
var families = []*Family{&bertFamily}

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
	var nodes []Node
	add := func(prefix string, templates []nodeTemplate, layer int) {
		for _, t := range templates {
			nodes = append(nodes, newNode(prefix+t.path, t.kind, layer))
		}
	}
	backbone := f.Architecture + "/" + f.backbone + "/"
	add(backbone, f.embeddings, -1)
	for layer := range layers {
		add(backbone+fmt.Sprintf(f.layer, layer)+"/", f.layerNodes, layer)
	}
	add(f.Architecture+"/", f.heads[f.Architecture], -1)
	return nodes
}

// attribute is an element of a node's path, Class[attribute].
var attribute = regexp.MustCompile(`\w+\[(\w+)\]`)

// newNode derives the module's or op's name from NNCF's: the attributes on the
// way, joined by dots, and for an op without parameters the op itself.
func newNode(name string, kind NodeKind, layer int) Node {
	var path []string
	for _, element := range attribute.FindAllStringSubmatch(name, -1) {
		path = append(path, element[1])
	}
	node := Node{Name: name, Kind: kind, Layer: layer}
	switch kind {
	case Linear, Embedding, LayerNorm:
		node.Module = strings.Join(path, ".")
	default:
		node.Op = strings.Join(append(path, name[strings.LastIndexByte(name, '/')+1:]), ".")
	}
	return node
}

// cpuTraits are those of OpenVINO's CPU device.
var cpuTraits = map[NodeKind]QuantizerTrait{
	Linear: QuantizedInputs, MatMul: QuantizedInputs, Add: QuantizedInputs, Div: QuantizedInputs, LayerNorm: QuantizedInputs,
	Embedding: QuantizedTable,
	Dropout:   QuantizerAgnostic, Reshape: QuantizerAgnostic, Transpose: QuantizerAgnostic,
	Softmax: FloatInputs, GELU: FloatInputs, Tanh: FloatInputs, Other: FloatInputs,
}

// Paths within a BERT layer.
const (
	bertSelf   = "BertAttention[attention]/BertSelfAttention[self]/"
	bertOutput = "BertAttention[attention]/BertSelfOutput[output]/"
)

// bertFamily is BERT with attention in single steps (transformers' "eager"), as
// NNCF 2.9 traces it.
var bertFamily = Family{
	Name:         "bert",
	Architecture: "BertForSequenceClassification",
	Traits:       cpuTraits,
	backbone:     "BertModel[bert]",
	layer:        "BertEncoder[encoder]/ModuleList[layer]/BertLayer[%d]",
	embeddings: []nodeTemplate{
		{"__rsub___0", Other}, // 1 − attention_mask
		{"__mul___0", Other},
		{"BertEmbeddings[embeddings]/NNCFEmbedding[word_embeddings]/embedding_0", Embedding},
		{"BertEmbeddings[embeddings]/NNCFEmbedding[token_type_embeddings]/embedding_0", Embedding},
		{"BertEmbeddings[embeddings]/__add___0", Add}, // word + type
		{"BertEmbeddings[embeddings]/NNCFEmbedding[position_embeddings]/embedding_0", Embedding},
		{"BertEmbeddings[embeddings]/__iadd___0", Add}, // + position
		{"BertEmbeddings[embeddings]/NNCFLayerNorm[LayerNorm]/layer_norm_0", LayerNorm},
		{"BertEmbeddings[embeddings]/Dropout[dropout]/dropout_0", Dropout},
	},
	layerNodes: []nodeTemplate{
		{bertSelf + "NNCFLinear[query]/linear_0", Linear},
		{bertSelf + "NNCFLinear[key]/linear_0", Linear},
		{bertSelf + "view_0", Reshape},
		{bertSelf + "permute_0", Transpose},
		{bertSelf + "NNCFLinear[value]/linear_0", Linear},
		{bertSelf + "view_1", Reshape},
		{bertSelf + "permute_1", Transpose},
		{bertSelf + "view_2", Reshape}, // of the query
		{bertSelf + "permute_2", Transpose},
		{bertSelf + "transpose_0", Transpose}, // of the key
		{bertSelf + "matmul_0", MatMul},       // query · keyᵀ
		{bertSelf + "__truediv___0", Div},     // by √head_dim
		{bertSelf + "__add___0", Add},         // the attention mask
		{bertSelf + "softmax_0", Softmax},
		{bertSelf + "Dropout[dropout]/dropout_0", Dropout},
		{bertSelf + "matmul_1", MatMul}, // probabilities · value
		{bertSelf + "permute_3", Transpose},
		{bertSelf + "contiguous_0", Other},
		{bertSelf + "view_3", Reshape},
		{bertOutput + "NNCFLinear[dense]/linear_0", Linear},
		{bertOutput + "Dropout[dropout]/dropout_0", Dropout},
		{bertOutput + "__add___0", Add}, // the residual stream
		{bertOutput + "NNCFLayerNorm[LayerNorm]/layer_norm_0", LayerNorm},
		{"BertIntermediate[intermediate]/NNCFLinear[dense]/linear_0", Linear},
		{"BertIntermediate[intermediate]/gelu_0", GELU},
		{"BertOutput[output]/NNCFLinear[dense]/linear_0", Linear},
		{"BertOutput[output]/Dropout[dropout]/dropout_0", Dropout},
		{"BertOutput[output]/__add___0", Add},
		{"BertOutput[output]/NNCFLayerNorm[LayerNorm]/layer_norm_0", LayerNorm},
	},
	heads: map[string][]nodeTemplate{
		"BertForSequenceClassification": {
			{"BertModel[bert]/BertPooler[pooler]/__getitem___0", Other}, // the first token
			{"BertModel[bert]/BertPooler[pooler]/NNCFLinear[dense]/linear_0", Linear},
			{"BertModel[bert]/BertPooler[pooler]/Tanh[activation]/tanh_0", Tanh},
			{"Dropout[dropout]/dropout_0", Dropout},
			{"NNCFLinear[classifier]/linear_0", Linear},
		},
		"BertForQuestionAnswering": {
			{"NNCFLinear[qa_outputs]/linear_0", Linear},
			{"split_0", Other}, // starts and ends of answers
			{"squeeze_0", Reshape},
			{"contiguous_0", Other},
			{"squeeze_1", Reshape},
			{"contiguous_1", Other},
		},
	},
	Groups: []GroupRule{
		{Name: "attention", PerHead: true, Members: []GroupMember{
			{Module: "bert.encoder.layer.%d.attention.self.query"},
			{Module: "bert.encoder.layer.%d.attention.self.key"},
			{Module: "bert.encoder.layer.%d.attention.self.value"},
			{Module: "bert.encoder.layer.%d.attention.output.dense", Columns: true},
		}},
		{Name: "feed_forward", Members: []GroupMember{
			{Module: "bert.encoder.layer.%d.intermediate.dense"},
			{Module: "bert.encoder.layer.%d.output.dense", Columns: true},
		}},
	},
}
