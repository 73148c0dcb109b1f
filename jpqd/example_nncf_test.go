package jpqd_test

import (
	"fmt"

	"github.com/go-jpqd/jpqd/jpqd"
)

func ExampleParseNNCFConfig() {
	config, err := jpqd.ParseNNCFConfig([]byte(`{
	  "compression": {
	    "algorithm": "movement_sparsity", // comments are allowed
	    "params": {
	      "warmup_start_epoch": 1,
	      "warmup_end_epoch": 2,
	      "importance_regularization_factor": 0.05,
	    },
	    "sparse_structure_by_scopes": [
	      {"mode": "block", "sparse_factors": [32, 32], "target_scopes": "{re}.*BertAttention.*"},
	    ],
	  },
	}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	sparsity := config.MovementSparsity
	fmt.Println(sparsity.WarmupStartEpoch, sparsity.WarmupEndEpoch, sparsity.Power)
	fmt.Println(sparsity.Structures[0].Mode, sparsity.Structures[0].Factors)
	fmt.Println(config.Quantization == nil)
	// Output:
	// 1 2 3
	// block [32 32]
	// true
}

func ExampleParseNNCFConfig_error() {
	_, err := jpqd.ParseNNCFConfig([]byte(`[
	  {
	    "algorithm": "quantization",
	    "preset": "mixd",
	    "overflowfix": "enable"
	  }
	]`))
	fmt.Println(err)
	// Output:
	// NNCF configuration: line 4: [0].preset: found "mixd", want "performance" or "mixed"
	// line 5: [0].overflowfix: unknown key: found "enable", want "overflow_fix", the nearest known key
}

func ExampleScopes_Match() {
	scopes := jpqd.Scopes{"{re}.*BertOutput.*", "BertModel/NNCFLinear[head]/linear_0"}
	for _, node := range []string{
		"BertModel/BertLayer[3]/BertOutput[output]/NNCFLinear[dense]/linear_0",
		"BertModel/BertLayer[3]/BertSelfOutput[output]/NNCFLinear[dense]/linear_0",
		"BertModel/NNCFLinear[head]/linear_0",
	} {
		matched, err := scopes.Match(node)
		fmt.Println(matched, err)
	}
	// Output:
	// true <nil>
	// false <nil>
	// true <nil>
}
