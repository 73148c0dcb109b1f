package jpqd

// bertFamily is BERT with attention in single steps (transformers' "eager"), as
// NNCF 2.9 traces it.
var bertFamily = Family{
	Name:         "bert",
	Architecture: "BertForSequenceClassification",
	Traits:       cpuTraits,
	backbone:     "BertModel[bert]",
	layer:        "BertEncoder[encoder]/ModuleList[layer]/BertLayer[%d]",
	embeddings: []nodeTemplate{
		{"__rsub___0", Mask, nil}, // 1 − attention_mask
		{"__mul___0", Mask, from("__rsub___0")},
		{"BertEmbeddings[embeddings]/NNCFEmbedding[word_embeddings]/embedding_0", Embedding, nil},
		{"BertEmbeddings[embeddings]/NNCFEmbedding[token_type_embeddings]/embedding_0", Embedding, nil},
		{"BertEmbeddings[embeddings]/__add___0", Add, from("BertEmbeddings[embeddings]/NNCFEmbedding[word_embeddings]/embedding_0", "BertEmbeddings[embeddings]/NNCFEmbedding[token_type_embeddings]/embedding_0")},
		{"BertEmbeddings[embeddings]/NNCFEmbedding[position_embeddings]/embedding_0", Embedding, nil},
		{"BertEmbeddings[embeddings]/__iadd___0", Add, from("BertEmbeddings[embeddings]/__add___0", "BertEmbeddings[embeddings]/NNCFEmbedding[position_embeddings]/embedding_0")},
		{"BertEmbeddings[embeddings]/NNCFLayerNorm[LayerNorm]/layer_norm_0", LayerNorm, from("BertEmbeddings[embeddings]/__iadd___0")},
		{"BertEmbeddings[embeddings]/Dropout[dropout]/dropout_0", Dropout, from("BertEmbeddings[embeddings]/NNCFLayerNorm[LayerNorm]/layer_norm_0")},
	},
	layerNodes: bertLayer("Bert"),
	heads: map[string]head{
		"BertForSequenceClassification": {
			nodes: []nodeTemplate{
				{"BertModel[bert]/BertPooler[pooler]/__getitem___0", Gather, from(hidden)}, // the first token
				{"BertModel[bert]/BertPooler[pooler]/NNCFLinear[dense]/linear_0", Linear, from("BertModel[bert]/BertPooler[pooler]/__getitem___0")},
				{"BertModel[bert]/BertPooler[pooler]/Tanh[activation]/tanh_0", Tanh, from("BertModel[bert]/BertPooler[pooler]/NNCFLinear[dense]/linear_0")},
				{"Dropout[dropout]/dropout_0", Dropout, from("BertModel[bert]/BertPooler[pooler]/Tanh[activation]/tanh_0")},
				{"NNCFLinear[classifier]/linear_0", Linear, from("Dropout[dropout]/dropout_0")},
				{"/nncf_model_output_0", Output, from("NNCFLinear[classifier]/linear_0")},
			},
			groups: headGroup("bert.pooler.dense", "classifier"),
		},
		"BertForQuestionAnswering": {nodes: answerNodes(hidden)},
	},
	Groups: bertGroups("bert"),
}

// bertLayer is a layer of BERT, or of RoBERTa, whose classes differ in the
// first part of their names. Newer releases of transformers have
// GELUActivation[intermediate_act_fn] around gelu_0.
func bertLayer(class string) []nodeTemplate {
	self := class + "Attention[attention]/" + class + "SelfAttention[self]/"
	selfOutput := class + "Attention[attention]/" + class + "SelfOutput[output]/"
	intermediate, output := class+"Intermediate[intermediate]/", class+"Output[output]/"
	norm := selfOutput + "NNCFLayerNorm[LayerNorm]/layer_norm_0"
	return []nodeTemplate{
		{self + "NNCFLinear[query]/linear_0", Linear, from(hidden)},
		{self + "NNCFLinear[key]/linear_0", Linear, from(hidden)},
		{self + "view_0", Reshape, from(self + "NNCFLinear[key]/linear_0")},
		{self + "permute_0", Transpose, from(self + "view_0")},
		{self + "NNCFLinear[value]/linear_0", Linear, from(hidden)},
		{self + "view_1", Reshape, from(self + "NNCFLinear[value]/linear_0")},
		{self + "permute_1", Transpose, from(self + "view_1")},
		{self + "view_2", Reshape, from(self + "NNCFLinear[query]/linear_0")},
		{self + "permute_2", Transpose, from(self + "view_2")},
		{self + "transpose_0", Transpose, from(self + "permute_0")},
		{self + "matmul_0", MatMul, from(self+"permute_2", self+"transpose_0")}, // query · keyᵀ
		{self + "__truediv___0", Div, from(self + "matmul_0")},                  // by √head_dim
		{self + "__add___0", Add, from(self+"__truediv___0", maskBias)},
		{self + "softmax_0", Softmax, from(self + "__add___0")},
		{self + "Dropout[dropout]/dropout_0", Dropout, from(self + "softmax_0")},
		{self + "matmul_1", MatMul, from(self+"Dropout[dropout]/dropout_0", self+"permute_1")}, // probabilities · value
		{self + "permute_3", Transpose, from(self + "matmul_1")},
		{self + "contiguous_0", Reshape, from(self + "permute_3")},
		{self + "view_3", Reshape, from(self + "contiguous_0")},
		{selfOutput + "NNCFLinear[dense]/linear_0", Linear, from(self + "view_3")},
		{selfOutput + "Dropout[dropout]/dropout_0", Dropout, from(selfOutput + "NNCFLinear[dense]/linear_0")},
		{selfOutput + "__add___0", Add, from(selfOutput+"Dropout[dropout]/dropout_0", hidden)},
		{norm, LayerNorm, from(selfOutput + "__add___0")},
		{intermediate + "NNCFLinear[dense]/linear_0", Linear, from(norm)},
		{intermediate + "gelu_0", GELU, from(intermediate + "NNCFLinear[dense]/linear_0")},
		{output + "NNCFLinear[dense]/linear_0", Linear, from(intermediate + "gelu_0")},
		{output + "Dropout[dropout]/dropout_0", Dropout, from(output + "NNCFLinear[dense]/linear_0")},
		{output + "__add___0", Add, from(output+"Dropout[dropout]/dropout_0", norm)},
		{output + "NNCFLayerNorm[LayerNorm]/layer_norm_0", LayerNorm, from(output + "__add___0")},
	}
}

// answerNodes is the head of question answering on a tensor of hidden states:
// the logits are cut into those of starts and those of ends of answers.
func answerNodes(states string) []nodeTemplate {
	return []nodeTemplate{
		{"NNCFLinear[qa_outputs]/linear_0", Linear, from(states)},
		{"split_0", Split, from("NNCFLinear[qa_outputs]/linear_0")},
		{"squeeze_0", Reshape, from("split_0")},
		{"contiguous_0", Reshape, from("squeeze_0")},
		{"squeeze_1", Reshape, from("split_0")},
		{"contiguous_1", Reshape, from("squeeze_1")},
		{"/nncf_model_output_0", Output, from("contiguous_0")},
		{"/nncf_model_output_1", Output, from("contiguous_1")},
	}
}

// bertGroups are the groups of every layer of BERT or RoBERTa.
func bertGroups(model string) []GroupRule {
	layer := model + ".encoder.layer.%d."
	return []GroupRule{
		{Name: "attention", PerHead: true, Members: []GroupMember{
			{Module: layer + "attention.self.query"},
			{Module: layer + "attention.self.key"},
			{Module: layer + "attention.self.value"},
			{Module: layer + "attention.output.dense", Columns: true},
		}},
		{Name: "feed_forward", Members: []GroupMember{
			{Module: layer + "intermediate.dense"},
			{Module: layer + "output.dense", Columns: true},
		}},
	}
}

// headGroup is the group of a classification head: a row of its first matrix
// feeds a column of its second.
func headGroup(pooler, classifier string) []GroupRule {
	return []GroupRule{{Name: "head", Members: []GroupMember{{Module: pooler}, {Module: classifier, Columns: true}}}}
}
