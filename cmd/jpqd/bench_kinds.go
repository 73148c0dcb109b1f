package main

import "strings"

// The kinds of operations that a profile tells apart.
const (
	kindInt8Product      = "int8 GEMM"
	kindFloatProduct     = "f32 GEMM"
	kindTiling           = "GEMM: operands, tiles"
	kindEpilogue         = "GEMM: epilogues"
	kindGELU             = "GELU"
	kindAttentionProduct = "attention: QKᵀ and PV"
	kindSoftmax          = "attention: softmax"
	kindAttention        = "attention: the rest"
	kindNorm             = "residual, LayerNorm"
	kindQuantize         = "quantize"
	kindEmbedding        = "embedding"
	kindOther            = "other"
	kindWaiting          = "waiting for threads"
	kindRuntime          = "Go runtime"
)

// kinds are all of them in the order of the table.
var kinds = []string{
	kindInt8Product, kindFloatProduct, kindTiling, kindEpilogue, kindGELU, kindAttentionProduct, kindSoftmax, kindAttention,
	kindNorm, kindQuantize, kindEmbedding, kindOther, kindWaiting, kindRuntime,
}

// A kindRule gives a kind to the functions whose names, without the path of
// their package, begin with one of prefixes.
type kindRule struct {
	kind     string
	prefixes []string
}

// kindRules are tried in their order on each function of a stack, from that
// which runs outwards, until one fits.
var kindRules = []kindRule{
	{kindSoftmax, []string{"kernels.softmax", "kernels.Softmax", "kernels.(*softmax"}},
	{kindNorm, []string{"kernels.layerNorm", "kernels.LayerNorm", "kernels.(*layerNorm", "int8.(*sum).apply", "kernels.add"}},
	{kindGELU, []string{"kernels.gelu", "kernels.GELU", "kernels.(*gelu"}},
	{kindInt8Product, []string{"kernels.panelInt8", "kernels.panelInt16", "kernels.gemmInt8", "kernels.fused"}},
	{kindFloatProduct, []string{"kernels.panelF32", "kernels.gemmF32Strip", "kernels.gemmF32Generic"}},
	{kindEpilogue, []string{"kernels.epilogue", "kernels.(*epilogue"}},
	{kindQuantize, []string{"kernels.quantize", "kernels.Quantize", "kernels.fakeQuant", "kernels.FakeQuant", "kernels.(*quantize", "kernels.(*fakeQuant"}},
	{kindTiling, []string{"kernels.(*packedTask)", "kernels.(*gemmF32", "kernels.(*batchTask)", "kernels.(*strip)", "kernels.Gemm", "kernels.pack", "kernels.(*packed)", "kernels.(*PackedInt8)", "kernels.prepare", "kernels.gemm"}},
	{kindEmbedding, []string{"int8.(*embeddings)", "int8.table"}},
	{kindAttention, []string{"int8.(*headTask)"}},
	{kindWaiting, []string{"kernels.work", "kernels.Parallel", "kernels.runParts"}},
	{kindOther, []string{"kernels.", "int8.", "autograd.", "bert.", "jpqd.", "main."}},
}

// kindOf sorts a sample of a profile by its stack, the function that runs
// first. Inside of a head of attention, products and what belongs to them are
// attention's; the epilogue of the Linear that expands is mostly GELU.
func kindOf(stack []string) string {
	attends, expands := false, false
	kind := ""
	for _, path := range stack {
		name := path[strings.LastIndexByte(path, '/')+1:]
		attends = attends || strings.HasPrefix(name, "int8.(*headTask)")
		expands = expands || strings.HasPrefix(name, "int8.(*layer).expand")
		if kind == "" {
			kind = kindOfFunction(name)
		}
	}
	switch {
	case attends && (kind == kindInt8Product || kind == kindFloatProduct || kind == kindTiling || kind == kindEpilogue):
		return kindAttentionProduct
	case attends && kind != kindSoftmax && kind != kindWaiting:
		return kindAttention
	case expands && kind == kindEpilogue:
		return kindGELU
	case kind == "":
		return kindRuntime
	default:
		return kind
	}
}

func kindOfFunction(name string) string {
	for _, rule := range kindRules {
		for _, prefix := range rule.prefixes {
			if strings.HasPrefix(name, prefix) {
				return rule.kind
			}
		}
	}
	return ""
}
