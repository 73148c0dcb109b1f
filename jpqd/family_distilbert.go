package jpqd

// Paths of DistilBERT below the embeddings and a layer.
const (
	distilEmbeddings = "Embeddings[embeddings]/"
	distilSelf       = "MultiHeadSelfAttention[attention]/"
	distilFFN        = "FFN[ffn]/"
)

// distilbertFamily is DistilBERT as NNCF traces it. The query is divided by
// √head_dim before its product with the key, and the mask fills scores instead
// of being added to them. Newer releases of transformers have
// GELUActivation[activation] around gelu_0.
var distilbertFamily = Family{
	Name:         "distilbert",
	Architecture: "DistilBertForSequenceClassification",
	Traits:       cpuTraits,
	backbone:     "DistilBertModel[distilbert]",
	layer:        "Transformer[transformer]/ModuleList[layer]/TransformerBlock[%d]",
	embeddings: []nodeTemplate{
		{distilEmbeddings + "NNCFEmbedding[word_embeddings]/embedding_0", Embedding, nil},
		{distilEmbeddings + "NNCFEmbedding[position_embeddings]/embedding_0", Embedding, nil},
		{distilEmbeddings + "__add___0", Add, from(distilEmbeddings+"NNCFEmbedding[word_embeddings]/embedding_0", distilEmbeddings+"NNCFEmbedding[position_embeddings]/embedding_0")},
		{distilEmbeddings + "NNCFLayerNorm[LayerNorm]/layer_norm_0", LayerNorm, from(distilEmbeddings + "__add___0")},
		{distilEmbeddings + "Dropout[dropout]/dropout_0", Dropout, from(distilEmbeddings + "NNCFLayerNorm[LayerNorm]/layer_norm_0")},
	},
	layerNodes: []nodeTemplate{
		{distilSelf + "NNCFLinear[q_lin]/linear_0", Linear, from(hidden)},
		{distilSelf + "view_0", Reshape, from(distilSelf + "NNCFLinear[q_lin]/linear_0")},
		{distilSelf + "transpose_0", Transpose, from(distilSelf + "view_0")},
		{distilSelf + "NNCFLinear[k_lin]/linear_0", Linear, from(hidden)},
		{distilSelf + "view_1", Reshape, from(distilSelf + "NNCFLinear[k_lin]/linear_0")},
		{distilSelf + "transpose_1", Transpose, from(distilSelf + "view_1")},
		{distilSelf + "NNCFLinear[v_lin]/linear_0", Linear, from(hidden)},
		{distilSelf + "view_2", Reshape, from(distilSelf + "NNCFLinear[v_lin]/linear_0")},
		{distilSelf + "transpose_2", Transpose, from(distilSelf + "view_2")},
		{distilSelf + "__truediv___0", Div, from(distilSelf + "transpose_0")}, // query / √head_dim
		{distilSelf + "transpose_3", Transpose, from(distilSelf + "transpose_1")},
		{distilSelf + "matmul_0", MatMul, from(distilSelf+"__truediv___0", distilSelf+"transpose_3")}, // query · keyᵀ
		{distilSelf + "__eq___0", Mask, nil},                                                          // attention_mask = 0
		{distilSelf + "view_3", Mask, from(distilSelf + "__eq___0")},
		{distilSelf + "expand_as_0", Mask, from(distilSelf+"view_3", distilSelf+"matmul_0")},
		{distilSelf + "masked_fill_0", MaskedFill, from(distilSelf+"matmul_0", distilSelf+"expand_as_0")},
		{distilSelf + "softmax_0", Softmax, from(distilSelf + "masked_fill_0")},
		{distilSelf + "Dropout[dropout]/dropout_0", Dropout, from(distilSelf + "softmax_0")},
		{distilSelf + "matmul_1", MatMul, from(distilSelf+"Dropout[dropout]/dropout_0", distilSelf+"transpose_2")}, // probabilities · value
		{distilSelf + "transpose_4", Transpose, from(distilSelf + "matmul_1")},
		{distilSelf + "contiguous_0", Reshape, from(distilSelf + "transpose_4")},
		{distilSelf + "view_4", Reshape, from(distilSelf + "contiguous_0")},
		{distilSelf + "NNCFLinear[out_lin]/linear_0", Linear, from(distilSelf + "view_4")},
		{"__add___0", Add, from(distilSelf+"NNCFLinear[out_lin]/linear_0", hidden)}, // the residual stream
		{"NNCFLayerNorm[sa_layer_norm]/layer_norm_0", LayerNorm, from("__add___0")},
		{distilFFN + "NNCFLinear[lin1]/linear_0", Linear, from("NNCFLayerNorm[sa_layer_norm]/layer_norm_0")},
		{distilFFN + "gelu_0", GELU, from(distilFFN + "NNCFLinear[lin1]/linear_0")},
		{distilFFN + "NNCFLinear[lin2]/linear_0", Linear, from(distilFFN + "gelu_0")},
		{distilFFN + "Dropout[dropout]/dropout_0", Dropout, from(distilFFN + "NNCFLinear[lin2]/linear_0")},
		{"__add___1", Add, from(distilFFN+"Dropout[dropout]/dropout_0", "NNCFLayerNorm[sa_layer_norm]/layer_norm_0")},
		{"NNCFLayerNorm[output_layer_norm]/layer_norm_0", LayerNorm, from("__add___1")},
	},
	heads: map[string]head{
		"DistilBertForSequenceClassification": {
			nodes: []nodeTemplate{
				{"__getitem___0", Gather, from(hidden)}, // the first token
				{"NNCFLinear[pre_classifier]/linear_0", Linear, from("__getitem___0")},
				{"ReLU/relu_0", ReLU, from("NNCFLinear[pre_classifier]/linear_0")},
				{"Dropout[dropout]/dropout_0", Dropout, from("ReLU/relu_0")},
				{"NNCFLinear[classifier]/linear_0", Linear, from("Dropout[dropout]/dropout_0")},
				{"/nncf_model_output_0", Output, from("NNCFLinear[classifier]/linear_0")},
			},
			groups: headGroup("pre_classifier", "classifier"),
		},
		"DistilBertForQuestionAnswering": {
			nodes: append([]nodeTemplate{{"Dropout[dropout]/dropout_0", Dropout, from(hidden)}}, answerNodes("Dropout[dropout]/dropout_0")...),
		},
	},
	Groups: []GroupRule{
		{Name: "attention", PerHead: true, Members: []GroupMember{
			{Module: "distilbert.transformer.layer.%d.attention.q_lin"},
			{Module: "distilbert.transformer.layer.%d.attention.k_lin"},
			{Module: "distilbert.transformer.layer.%d.attention.v_lin"},
			{Module: "distilbert.transformer.layer.%d.attention.out_lin", Columns: true},
		}},
		{Name: "feed_forward", Members: []GroupMember{
			{Module: "distilbert.transformer.layer.%d.ffn.lin1"},
			{Module: "distilbert.transformer.layer.%d.ffn.lin2", Columns: true},
		}},
	},
}
