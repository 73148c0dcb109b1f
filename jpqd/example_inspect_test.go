package jpqd_test

import (
	"fmt"
	"log"
	"strings"

	"github.com/go-jpqd/jpqd/bert"
	"github.com/go-jpqd/jpqd/jpqd"
)

// What a configuration makes of the nodes of the first layer's attention.
func ExampleInspectScopes() {
	nncf := jpqd.DefaultNNCFConfig()
	reports, err := jpqd.InspectScopes(bert.DefaultConfig(), nncf)
	if err != nil {
		log.Fatal(err)
	}
	for _, r := range reports {
		_, name, inside := strings.Cut(r.Name, "BertLayer[0]/BertAttention[attention]/BertSelfAttention[self]/")
		if !inside || len(r.Activations) == 0 && r.Sections[0].Considered {
			continue
		}
		if s := r.Sections[0]; !s.Considered {
			fmt.Printf("%s: %s of %s\n", name, s.Scope, s.List)
		}
		for _, q := range r.Activations {
			fmt.Printf("%s: input %d %s\n", name, q.Input, q.Mode)
		}
	}
	// Output:
	// NNCFLinear[query]/linear_0: input 0 asymmetric
	// NNCFLinear[key]/linear_0: input 0 asymmetric
	// NNCFLinear[value]/linear_0: input 0 asymmetric
	// matmul_0: input 0 symmetric
	// matmul_0: input 1 symmetric
	// __truediv___0: {re}.*__truediv__.* of ignored_scopes
	// __add___0: {re}.*add___.* of ignored_scopes
	// matmul_1: {re}.*matmul_1 of ignored_scopes
}
