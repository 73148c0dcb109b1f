package jpqd

// robertaFamily is RoBERTa as NNCF traces it. Its layers are BERT's. The sum of
// word and type is __add___2, for two additions of position ids come before it:
// the published scope __add___[0-1] leaves it to be quantized.
var robertaFamily = Family{
	Name:         "roberta",
	Architecture: "RobertaForSequenceClassification",
	Traits:       cpuTraits,
	backbone:     "RobertaModel[roberta]",
	layer:        "RobertaEncoder[encoder]/ModuleList[layer]/RobertaLayer[%d]",
	embeddings: []nodeTemplate{
		{"__rsub___0", Mask, nil}, // 1 − attention_mask
		{"__mul___0", Mask, from("__rsub___0")},
		{"RobertaEmbeddings[embeddings]/ne_0", Integers, nil}, // ids of positions: a running count of tokens that are not padding
		{"RobertaEmbeddings[embeddings]/int_0", Integers, from("RobertaEmbeddings[embeddings]/ne_0")},
		{"RobertaEmbeddings[embeddings]/cumsum_0", Integers, from("RobertaEmbeddings[embeddings]/int_0")},
		{"RobertaEmbeddings[embeddings]/type_as_0", Integers, from("RobertaEmbeddings[embeddings]/cumsum_0", "RobertaEmbeddings[embeddings]/int_0")},
		{"RobertaEmbeddings[embeddings]/__add___0", Integers, from("RobertaEmbeddings[embeddings]/type_as_0")},
		{"RobertaEmbeddings[embeddings]/__mul___0", Integers, from("RobertaEmbeddings[embeddings]/__add___0", "RobertaEmbeddings[embeddings]/int_0")},
		{"RobertaEmbeddings[embeddings]/long_0", Integers, from("RobertaEmbeddings[embeddings]/__mul___0")},
		{"RobertaEmbeddings[embeddings]/__add___1", Integers, from("RobertaEmbeddings[embeddings]/long_0")},
		{"RobertaEmbeddings[embeddings]/NNCFEmbedding[word_embeddings]/embedding_0", Embedding, nil},
		{"RobertaEmbeddings[embeddings]/NNCFEmbedding[token_type_embeddings]/embedding_0", Embedding, nil},
		{"RobertaEmbeddings[embeddings]/__add___2", Add, from("RobertaEmbeddings[embeddings]/NNCFEmbedding[word_embeddings]/embedding_0", "RobertaEmbeddings[embeddings]/NNCFEmbedding[token_type_embeddings]/embedding_0")},
		{"RobertaEmbeddings[embeddings]/NNCFEmbedding[position_embeddings]/embedding_0", Embedding, from("RobertaEmbeddings[embeddings]/__add___1")},
		{"RobertaEmbeddings[embeddings]/__iadd___0", Add, from("RobertaEmbeddings[embeddings]/__add___2", "RobertaEmbeddings[embeddings]/NNCFEmbedding[position_embeddings]/embedding_0")},
		{"RobertaEmbeddings[embeddings]/NNCFLayerNorm[LayerNorm]/layer_norm_0", LayerNorm, from("RobertaEmbeddings[embeddings]/__iadd___0")},
		{"RobertaEmbeddings[embeddings]/Dropout[dropout]/dropout_0", Dropout, from("RobertaEmbeddings[embeddings]/NNCFLayerNorm[LayerNorm]/layer_norm_0")},
	},
	layerNodes: bertLayer("Roberta"),
	heads: map[string]head{
		"RobertaForSequenceClassification": {
			nodes: []nodeTemplate{
				{"RobertaClassificationHead[classifier]/__getitem___0", Gather, from(hidden)}, // the first token
				{"RobertaClassificationHead[classifier]/Dropout[dropout]/dropout_0", Dropout, from("RobertaClassificationHead[classifier]/__getitem___0")},
				{"RobertaClassificationHead[classifier]/NNCFLinear[dense]/linear_0", Linear, from("RobertaClassificationHead[classifier]/Dropout[dropout]/dropout_0")},
				{"RobertaClassificationHead[classifier]/tanh_0", Tanh, from("RobertaClassificationHead[classifier]/NNCFLinear[dense]/linear_0")},
				{"RobertaClassificationHead[classifier]/Dropout[dropout]/dropout_1", Dropout, from("RobertaClassificationHead[classifier]/tanh_0")},
				{"RobertaClassificationHead[classifier]/NNCFLinear[out_proj]/linear_0", Linear, from("RobertaClassificationHead[classifier]/Dropout[dropout]/dropout_1")},
				{"/nncf_model_output_0", Output, from("RobertaClassificationHead[classifier]/NNCFLinear[out_proj]/linear_0")},
			},
			groups: headGroup("classifier.dense", "classifier.out_proj"),
		},
		"RobertaForQuestionAnswering": {nodes: answerNodes(hidden)},
	},
	Groups: bertGroups("roberta"),
}
